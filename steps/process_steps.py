"""Steps about daemons that cannot start, start without what they need, or run and read their configuration again."""

from behave import given, then, when

from beehave.process.logs import log_events
from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below


@given("a hive whose queen is not there")
def given_hive_without_queen(context):
    context.world.cluster.spawn_hive(1)
    context.world.cluster.wait_until_up("hive-1")


@when("a {role:Role} is started with {mistake}")
def when_bad_start(context, role, mistake):
    context.world.bad_start.start(role, mistake)


@when("{count:d} heartbeats have passed")
def when_heartbeats_pass(context, count):
    context.world.hives.let_heartbeats_pass(count)


@then("it exits with status {status:d}")
def then_exit_status(context, status):
    seen = context.world.bad_start.exit_status()
    assert seen == status, f"expected exit status {status}, got {seen}: {context.world.bad_start.process.describe()}"


@then('it says in one line "{what}" and "{advice}"')
def then_one_line(context, what, advice):
    lines = context.world.bad_start.printed()
    assert len(lines) == 1, f"expected one line, got {len(lines)}:\n" + "\n".join(lines)
    assert what in lines[0], f"the line does not name {what!r}: {lines[0]}"
    assert advice in lines[0], f"the line does not say {advice!r}: {lines[0]}"


@then('its health is "{status}" and names the queen')
def then_health(context, status):
    health = context.world.cluster.first_hive.client.get("/health").expect(200).json
    assert health["status"] == status, f"expected {status}: {health}"
    assert any("queen" in reason for reason in health["reasons"]), f"no reason names the queen: {health['reasons']}"


@then('it has logged "{event}" exactly once')
def then_logged_once(context, event):
    entries = log_events(context.world.cluster.journal, context.world.cluster.first_hive.process, event)
    assert len(entries) == 1, f"expected one line {event!r}, got {len(entries)}: {entries}"


@given("a hive whose drains last {drain_ms:d} ms at most")
def given_short_drain(context, drain_ms):
    context.world.cluster.duration_overrides["drain_ms"] = drain_ms
    context.world.hives.start(1)


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
    before, now = context.world.cluster.first_hive.instance, context.world.reload.instance_for_two_heartbeats()
    assert now == before, f"instance {before} before, {now} now"


@then("a worker that is spawned now has {slots:d} slots")
def then_spawned_with_slots(context, slots):
    context.world.changes.spawn(1)
    ((row, _),) = context.world.changes.spawned()
    assert row["slots_total"] == slots, f"half of the refused file was applied: {row}"
