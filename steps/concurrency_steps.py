"""Steps about many things in one instant."""

import itertools

from behave import given, then, when


@given("a queen that lets {limit:d} requests wait")
def given_queue_limit(context, limit):
    context.world.cluster.restart_queen_with(queue_limit=limit)


@given("a hive whose workers have {slots:d} slots")
@given("a hive whose workers have {slots:d} slot")
def given_slots(context, slots):
    context.world.cluster.worker_options["slots"] = slots
    context.world.hives.start(1)


@given("leases of {lease_ms:d} ms")
def given_short_leases(context, lease_ms):
    context.world.cluster.restart_queen_with(lease_ms=lease_ms)


@given("a fake hive that only leases")
def given_fake_hive(context):
    context.world.fake_hive.begin()


@when('{count:Workers} are spawned at once for the model "{model}"')
def when_spawned_for_absent_model(context, count, model):
    context.world.changes.spawn(count, model=model)


@when("{count:Workers} are spawned at once under one id")
def when_spawned_under_one_id(context, count):
    context.world.changes.spawn_under_one_id(count)


@when("{count:d} clients each stream {tokens:d} tokens in the same instant")
def when_burst_streams(context, count, tokens):
    context.world.burst.send(count, max_tokens=tokens)


@when("it sends {count:d} leases in a random order, {at_once:d} at a time")
def when_fake_hive_leases(context, count, at_once):
    context.world.fake_hive.lease_in_random_order(count, at_once=at_once, seed=context.world.seed)


@when("it stops leasing until its rows are being removed, and leases again, {times:d} times")
def when_fake_hive_returns(context, times):
    context.world.fake_hive.fall_silent_and_return(times, seed=context.world.seed)


@when("the client hangs up")
def when_client_hangs_up(context):
    context.world.history.stream.hang_up()


@then("each worker is found by its id at the queen and at its hive")
def then_found_by_id(context):
    listed, at_queen, at_hives = context.world.registry.found_by_id()
    assert listed, "the queen lists no worker"
    assert at_queen == listed, f"listed {listed}, found at the queen {at_queen}"
    assert at_hives == listed, f"listed {listed}, found at the hives {at_hives}"


@then("every worker is idle by its own health")
def then_all_idle(context):
    healths = [health for _, health in context.world.registry.own_healths()]
    assert healths, "the queen lists no worker"
    others = [health for health in healths if (health["state"], health["slots_busy"]) != ("ready", 0)]
    assert not others, f"not idle: {others}"


@then("all {count:d} streams are whole")
def then_all_streams_whole(context, count):
    whole, others = context.world.burst.outcomes()
    assert not others, f"{len(others)} streams are not whole, the first: {others[0].observe()}"
    assert len(whole) == count, f"{len(whole)} streams, expected {count}"


@then("the workers' own counts add up to {count:d}")
def then_counts_add_up(context, count):
    served = context.world.clients.served_by_workers()
    assert sum(served.values()) == count, f"{count} requests, the workers count {served}"


@then("no worker ever had more slots taken than it has")
def then_slots_never_exceeded(context):
    samples = context.world.burst.slots_seen()
    beyond = [sample for sample in samples if sample["slots_busy"] > sample["slots_total"]]
    assert not beyond, f"more slots taken than there are: {beyond[:5]}"
    assert any(sample["slots_busy"] for sample in samples), f"no taken slot was seen in {len(samples)} looks"


@then('{won:d} of the answers is {good:d} and {lost:d} are {bad:d} with code "{code}"')
def then_one_wins(context, won, good, lost, bad, code):
    answers = context.world.history.answers()
    winners = [answer for answer in answers if answer.status == good]
    losers = [answer for answer in answers if (answer.status, answer.error_code) == (bad, code)]
    assert (len(winners), len(losers)) == (won, lost), "answers:\n" + "\n".join(map(str, answers))


@then('{count:Workers} serve "{model}"')
@then('{count:Workers} serves "{model}"')
def then_workers_serve(context, count, model):
    rows = [row for row, _ in context.world.changes.spawned()]
    assert len(rows) == count, f"{len(rows)} workers came up: {rows}"
    assert {row["model"] for row in rows} == {model}, f"another model: {rows}"


@then('the hub counted {count:d} download of "{model}"')
def then_hub_counted(context, count, model):
    counts = context.world.cluster.daemon("hub").client.get("/counts").expect(200).json
    assert counts.get(model) == count, f"the hub counted {counts}"


@then("the queen never showed an older lease after a newer one")
def then_leases_never_backward(context):
    looks = context.world.fake_hive.looks()
    backward = [(before, after) for before, after in itertools.pairwise(looks) if after < before]
    assert len(set(looks)) > 1, f"the looks saw only {set(looks)}: they prove nothing"
    assert not backward, f"the registry went backward: {backward[:5]}"


@then("the queen shows the last lease of the {count:d}")
def then_last_lease_shown(context, count):
    shown = context.world.fake_hive.shown_now()
    assert shown == count, f"the queen shows lease {shown}, the last of {count} is lost"


@then("its worker was there exactly once after each of the {times:d} returns")
def then_there_once(context, times):
    returns = context.world.fake_hive.rows_after_returns()
    assert returns == [1] * times, f"rows after each return: {returns}"


@then("{whole:d} streams are whole and {refused:d} were refused with 429 or 503 and Retry-After")
def then_some_refused(context, whole, refused):
    good, others = context.world.burst.outcomes()
    sound = [stream for stream in others if stream.status in {429, 503} and "retry-after" in stream.response_headers]
    seen = [(stream.status, stream.error_body[:100]) for stream in others]
    assert (len(good), len(sound), len(others)) == (whole, refused, refused), f"{len(good)} whole, others: {seen}"


@then("its token count stands still")
def then_tokens_stand_still(context):
    counts = context.world.clients.token_counts(looks=2)
    assert counts[0] == counts[1], f"the worker still makes tokens for a client that is gone: {counts}"
