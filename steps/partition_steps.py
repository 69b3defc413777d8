"""Steps that break the links between the daemons, heal them, and look at what each side makes of it."""

from behave import given, then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.answers import details_of, retry_after_s


@given("a hive whose workers wait {leases:d} leases for it")
def given_patient_workers(context, leases):
    cluster = context.world.cluster
    cluster.duration_overrides["orphan_grace_ms"] = leases * cluster.durations.lease_ms
    context.world.hives.start(1)


@given("leases and a request pass on the link between {ends:Ends}")
def given_link_is_stable(context, ends):
    hive, answer = context.world.partitions.show_stable(ends)
    assert hive["state"] == "available", f"the hive is not there before the link is cut: {hive}"
    assert answer.status == 200, f"no request passes before the link is cut: {answer}"


@given("a request that has been served under an id of its own")
def given_request_served_once(context):
    context.world.partitions.serve_once()


@when("the link between {ends:Ends} is cut")
def when_link_is_cut(context, ends):
    context.world.partitions.cut(ends)


@given("the link between {ends:Ends} is cut until the queen has given {hive:HiveName} up")
def given_link_is_cut_for_long(context, ends, hive):
    context.world.partitions.cut(ends)
    context.world.partitions.seen.wait_until_given_up(hive)


@when("everything that goes from {here:Node} to {there:Node} is lost")
def when_one_way_is_cut(context, here, there):
    context.world.partitions.cut_way(here, there)


@when("every connection on the link between {ends:Ends} is reset")
def when_link_resets(context, ends):
    context.world.partitions.cut(ends, reset=True)


@when("everything on the link between {ends:Ends} takes {delay_ms:d} ms longer each way")
def when_link_is_slow(context, ends, delay_ms):
    context.world.partitions.shape(ends, delay_ms=delay_ms)


@when("the link between {ends:Ends} carries no more than {rate:d} bytes a second")
def when_link_is_narrow(context, ends, rate):
    context.world.partitions.shape(ends, bytes_per_s=rate)


@when("the link between {ends:Ends} is cut and restored {times:d} times")
def when_link_flaps(context, ends, times):
    context.world.partitions.flap(ends, times)


@when("the link between {ends:Ends} is cut with a copy of that request on it, whose sender {patience:Patience}")
def when_link_is_cut_on_copy(context, ends, patience):
    context.world.partitions.cut_on_copy(ends, given_up=patience == "has given up")


@when("that link is restored")
def when_link_is_restored(context):
    context.world.partitions.restore()


@then("the queen suspects {hive:HiveName}, and gives it up no later than a lease and a heartbeat after the cut")
def then_hive_is_given_up(context, hive):
    context.world.partitions.seen.wait_until_given_up(hive)
    states = context.world.partitions.seen.states_in_events(hive)
    assert states == ["suspect", "unavailable"], f"{hive} is {states} by the queen's events"


@then("the queen's list, events, metrics and log agree that {hive:HiveName} is {state:HiveState}")
def then_views_agree_on_hive(context, hive, state):
    views = context.world.partitions.seen.views_of(hive)
    assert views == dict.fromkeys(views, state), f"{hive} should be {state} for each: {views}"


@then('a request is refused at once with 503 and Retry-After, since its hive is "{reason}"')
@then('a request is refused at once with 503 and Retry-After, since its worker is "{reason}"')
def then_request_is_refused(context, reason):
    answer = context.world.partitions.seen.request()
    heartbeat_ms = context.world.cluster.durations.heartbeat_ms
    assert (answer.status, answer.error_code) == (503, "no_worker_available"), f"expected 503: {answer}"
    assert list(details_of(answer).get("blocked", {})) == [reason], f"it should say why: {answer}"
    assert retry_after_s(answer) >= 0, f"no Retry-After: {answer.headers}"
    assert answer.elapsed_ms < heartbeat_ms, f"what is known took longer than a heartbeat to say: {answer}"


@then("a request with a deadline of {heartbeats:d} heartbeats is answered by it with an error")
def then_request_never_hangs(context, heartbeats):
    deadline_ms = heartbeats * context.world.cluster.durations.heartbeat_ms
    answer = context.world.partitions.seen.request(deadline_ms=deadline_ms)
    late_ms = answer.elapsed_ms - deadline_ms
    assert answer.status in {502, 503, 504}, f"expected that no worker can serve it: {answer}"
    assert answer.error_code is not None, f"the answer does not say why: {answer}"
    assert late_ms <= context.world.cluster.durations.heartbeat_ms, f"answered {late_ms:.0f} ms too late: {answer}"


@then("a request is answered at once with 502 or 503 and Retry-After")
def then_request_fails_at_once(context):
    answer = context.world.partitions.seen.request()
    assert answer.status in {502, 503}, f"expected 502 or 503: {answer}"
    assert retry_after_s(answer) >= 0, f"no Retry-After: {answer.headers}"
    assert answer.elapsed_ms < context.world.cluster.durations.heartbeat_ms, f"a reset is noticed at once: {answer}"


@then("{hive:HiveName} is available again within {heartbeats:d} heartbeats, as the same instance")
def then_hive_is_back(context, hive, heartbeats):
    seen = context.world.partitions.seen
    seen.wait_until_back(hive, heartbeats=heartbeats)
    instance = seen.instance_of(hive)
    before = context.world.history.before.instance_of(hive)
    assert instance == before, f"another instance: {instance}, before: {before}"


@then("the workers are the same processes as before")
def then_same_workers(context):
    workers = context.world.partitions.seen.workers_now()
    before = context.world.recovery.before
    assert workers == before, f"before: {sorted(before)}\nnow: {sorted(workers)}"


@then("nothing has been registered, removed or restarted since")
def then_nothing_registered(context):
    events = context.world.partitions.seen.registrations()
    assert not events, f"the queen has the events {events}"


@then("{hive:HiveName} stays available for {leases:d} leases")
def then_hive_stays(context, hive, leases):
    for_s = leases * context.world.cluster.durations.lease_ms / 1000
    state = context.world.partitions.seen.stays_available(hive, for_s=for_s)
    assert state == "available", f"{hive} is {state}"


@then("a request is served, no sooner than after {delay_ms:d} ms")
def then_slow_request_is_served(context, delay_ms):
    answer = context.world.partitions.seen.request()
    assert answer.status == 200, f"a slow link should serve: {answer}"
    assert answer.elapsed_ms >= delay_ms, f"quicker than the link can be: {answer}"


@then("the stream ends within the stall bound with one error chunk that carries its request id, and no [DONE]")
def then_stream_is_stalled(context):
    stream = context.world.history.stream
    late_s = context.world.partitions.seen.stream_ended_after_s(stream)
    ids = [error.get("request_id") for error in stream.errors]
    assert ids == [stream.request_id], f"expected one error chunk of {stream.request_id}, got {stream.errors}"
    assert stream.errors[0].get("code") == "stalled", f"it should say why: {stream.errors}"
    assert not stream.done, "a broken stream ended with [DONE], as if it were whole"
    assert not stream.after_end, f"something came after the error chunk, {late_s:.2f} s after the cut"


@then("the queen counts it as a request that failed, and not as served")
def then_stream_is_counted_as_failed(context):
    counts = context.world.partitions.seen.requests_counted(1)
    failed = dict.fromkeys(counts, 0) | {"error": 1}
    assert counts == failed, f"the only request was a stream that broke, and it counts {counts}"


@then("the queen forgets the workers of {hive:HiveName}, after the orphan grace")
def then_workers_are_forgotten(context, hive):
    after_ms = context.world.partitions.seen.wait_until_forgotten(hive) * 1000
    durations = context.world.cluster.durations
    # The last lease came within a heartbeat before the cut; its end and the grace count from there.
    soonest_ms = durations.lease_ms + durations.orphan_grace_ms - durations.heartbeat_ms
    assert after_ms >= soonest_ms, f"forgotten {after_ms:.0f} ms after the cut, they may live for {soonest_ms} ms"


@then("the queen stops routing to the workers of {hive:HiveName} within a lease and {count:Heartbeats}, still ready")
def then_workers_are_unhealthy(context, hive, count):
    durations = context.world.cluster.durations
    bound_ms = durations.lease_ms + count * durations.heartbeat_ms
    rows = context.world.partitions.seen.wait_until_routable(routable=False, within_ms=bound_ms)
    assert {(row["hive_id"], row["state"]) for row in rows} == {(hive, "ready")}, f"listed: {rows}"
    assert {row["reason"] for row in rows} <= {"lease_expired", "unhealthy"}, f"it should say why: {rows}"


@then("the queen routes to them again within {heartbeats:d} heartbeats")
def then_workers_are_back(context, heartbeats):
    bound_ms = heartbeats * context.world.cluster.durations.heartbeat_ms
    rows = context.world.partitions.seen.wait_until_routable(routable=True, within_ms=bound_ms, since="heal")
    assert all(row["restarts"] == 0 for row in rows), f"restarted by mistake: {rows}"


@then("the queen routes to new processes under the old ids, and the old processes are gone")
def then_workers_are_replaced(context):
    seen = context.world.partitions.seen
    start_up_ms = context.world.cluster.durations.start_up_ms
    rows = seen.wait_until_routable(routable=True, within_ms=start_up_ms, since="heal")
    before = context.world.recovery.before
    assert {row["id"] for row in rows} == {worker.id for worker in before}, f"before: {before}, now: {rows}"
    assert not {row["instance"] for row in rows} & {worker.instance for worker in before}, f"the old ones: {rows}"
    assert not context.world.recovery.survivors(), f"old processes live on: {before}"


@then("the copy arrives there and is not run")
def then_copy_is_not_run(context):
    copy = context.world.partitions.copy
    arrivals = copy.arrivals(within_s=context.world.partitions.late_bound_s)
    statuses = [entry["status"] for entry in arrivals]
    assert statuses[0] == 200, f"the first one was served: {arrivals}"
    assert set(statuses[1:]) <= copy.refusals, f"answered with {statuses}, the copy should be refused: {arrivals}"


@then("the worker has run that request once, by its own counts")
def then_worker_ran_once(context):
    copy = context.world.partitions.copy
    runs = copy.runs()
    assert runs == copy.runs_before, f"(served, tokens) were {copy.runs_before} after the first run, now {runs}"
