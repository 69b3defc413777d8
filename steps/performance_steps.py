"""Steps that put load on the cluster and judge latencies, and what the daemons used meanwhile."""

from behave import given, then, when

from beehave.load.plan import Pace
from beehave.load.result import Bounds, VerdictKind, lagged
from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.performance.bench import BOUNDS


@given("workers with {slots:d} slots and a token every {interval_ms:d} ms")
def given_worker_options(context, slots, interval_ms):
    context.world.cluster.worker_options |= {"slots": slots, "token_interval_ms": interval_ms}


@given("workers that may be idle for {seconds:d} seconds")
def given_idle_time(context, seconds):
    context.world.cluster.duration_overrides["idle_stop_ms"] = seconds * 1000


@when("{count:Requests} are sent on a {pace:Pace} schedule over {seconds:d} seconds")
def when_load(context, count, pace, seconds):
    context.world.bench.send(count, pace=Pace(pace), seconds=seconds)
    name, text = f"{count} requests over {seconds} s", context.world.bench.line(BOUNDS)
    context.world.cluster.journal.record("figure", name=name, text=text)


@when("{count:Requests} are sent over {seconds:d} seconds and the {part:Paused} is paused for a second in the middle")
def when_load_through_pause(context, count, seconds, part):
    context.world.bench.send_through_pause(count, seconds=seconds, part=part)


@when("one client asks again and again for {seconds:d} seconds, through such a pause")
def when_closed_loop(context, seconds):
    context.world.bench.ask_through_pause(seconds=seconds, count_max=10_000)


@when("a stream of {seconds:d} seconds runs, and {rate:d} requests a second beside it")
def when_stream_and_load(context, seconds, rate):
    context.world.bench.stream_and_send(seconds=seconds, rate_per_s=rate)


@then("each of the {count:d} is answered once, by the workers' own counts")
def then_all_answered(context, count):
    sent, served = context.world.history.requests(), context.world.clients.served_by_workers_in_all(count)
    assert not sent.failures(), f"not all were answered: {sent}"
    assert sent.count == count, f"{sent.count} requests were sent: {sent}"
    assert sum(served.values()) == count, f"the workers count {sum(served.values())} requests, not {count}: {served}"


@then("none of them timed out, passed its deadline or lost its connection")
def then_no_timeouts(context):
    sent = context.world.history.requests()
    late = sent.late_or_cut_off()
    assert not late, f"{late}: {sent}"


@then("their mean latency is under {mean_ms:d} ms and their p99 under {p99_ms:d} ms, from the intended send")
def then_latency(context, mean_ms, p99_ms):
    verdict = context.world.bench.verdict(Bounds(mean_ms, p99_ms))
    assert verdict.kind is VerdictKind.GOOD, f"{verdict}\n{context.world.bench.report()}"


@then("memory, open files and threads of every daemon stay flat")
def then_flat(context):
    growing = [str(trend) for trend in context.world.bench.trends() if not trend.flat]
    assert not growing, "growing under a steady load:\n" + "\n".join(growing)


@then("the stream outlasts them and brings all of its tokens, 99 of 100 within {gap_ms:d} ms of the one before")
def then_stream(context, gap_ms):
    stream, beside = context.world.bench.result("stream"), context.world.bench.result()
    both = f"{stream.text()}\nbeside it: {beside.text()}"
    assert stream.answered == 1, f"the stream is not whole: {both}"
    assert stream.between_tokens.p99_ms < gap_ms, f"its tokens came late: {both}"
    assert stream.seconds > beside.seconds, f"the requests were not beside the stream: {both}"


@then("the report shows the pause by its maximum and by its p99")
def then_pause_is_shown(context):
    result, pause_ms = context.world.bench.result(), context.world.bench.pause_ms()
    # An error counts as long as its timeout: without this, requests that fail in the pause would pass for slow ones.
    assert result.answered == result.planned, f"the pause cost answers, not only time: {result.text()}"
    lag = lagged(result.lag, BOUNDS)
    assert not lag, f"inconclusive: the machine was too slow: {lag}\n{result.text()}"
    assert result.latency.max_ms > 0.95 * pause_ms, f"the maximum lacks a pause of {pause_ms:.0f} ms: {result.text()}"
    assert result.latency.p99_ms > 0.9 * pause_ms, f"the p99 lacks a pause of {pause_ms:.0f} ms: {result.text()}"


@then("the closed loop has it in its maximum only, not in its p99")
def then_closed_loop_hides_it(context):
    closed, pause_ms = context.world.bench.result("closed loop"), context.world.bench.pause_ms("closed loop")
    assert closed.answered == closed.planned, f"the pause cost answers, not only time: {closed.text()}"
    assert closed.latency.max_ms > 0.9 * pause_ms, f"the pause of {pause_ms:.0f} ms did not hit it: {closed.text()}"
    assert closed.latency.p99_ms < 0.25 * pause_ms, f"slow besides one pause of {pause_ms:.0f} ms: {closed.text()}"


@then("the report calls itself inconclusive: the generator was too slow")
def then_inconclusive(context):
    verdict = context.world.bench.verdict(BOUNDS)
    assert verdict.kind is VerdictKind.INCONCLUSIVE, f"{verdict}\n{context.world.bench.report()}"
    assert "the generator's own lag" in verdict.reason, f"for another reason: {verdict}"
