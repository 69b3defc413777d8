"""Steps about daemons that run, and are told to read their configuration or to end."""

from behave import given, then, when


@given("a hive whose drains last {drain_ms:d} ms at most")
def given_short_drain(context, drain_ms):
    context.world.cluster.duration_overrides["drain_ms"] = drain_ms
    context.world.start_hives(1)


@when("its configuration is changed, half of it wrongly, and it is sent SIGHUP")
def when_bad_reload(context):
    context.world.reload.with_bad_file()


@then('it logs that it refuses "{key}"')
def then_reload_refused(context, key):
    refusals = context.world.reload.refusals()
    assert len(refusals) == 1, f"expected one line: {refusals}"
    assert any(key in problem for problem in refusals[0]["problems"]), f"{key} is not named: {refusals[0]}"


@then("it goes on as the same process")
def then_same_hive(context):
    before, now = context.world.cluster.hives[0].instance, context.world.reload.instance_for_two_heartbeats()
    assert now == before, f"instance {before} before, {now} now"


@then("a worker that is spawned now has {slots:d} slots")
def then_spawned_with_slots(context, slots):
    context.world.changes.spawn(1)
    ((row, _),) = context.world.changes.spawned()
    assert row["slots_total"] == slots, f"half of the refused file was applied: {row}"
