"""Steps about daemons that cannot start, or that start without what they need."""

from behave import given, then, when

from beehave.process.logs import log_events
from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below


@given("a hive whose queen is not there")
def given_hive_without_queen(context):
    context.world.cluster.spawn_hive(1)
    context.world.cluster.wait_until_up("hive-1")


@when("a {role:w} is started with {mistake}")
def when_bad_start(context, role, mistake):
    context.world.bad_start.start(role, mistake)


@when("{count:d} heartbeats have passed")
def when_heartbeats_pass(context, count):
    context.world.let_heartbeats_pass(count)


@when('a worker is spawned for the model "{model}"')
def when_spawn_for_model(context, model):
    context.world.changes.spawn_model(model)


@then("it exits with status {status:d}")
def then_exit_status(context, status):
    seen = context.world.bad_start.exit_status()
    assert seen == status, f"expected exit status {status}, got {seen}: {context.world.bad_start.process.describe()}"


@then('it says in one line "{what}" and "{advice}"')
def then_one_line(context, what, advice):
    lines = context.world.bad_start.said()
    assert len(lines) == 1, f"expected one line, got {len(lines)}:\n" + "\n".join(lines)
    assert what in lines[0], f"the line does not name {what!r}: {lines[0]}"
    assert advice in lines[0], f"the line does not say {advice!r}: {lines[0]}"


@then('its health is "{status}" and names the queen')
def then_health(context, status):
    health = context.world.cluster.hives[0].client.get("/health").expect(200).json
    assert health["status"] == status, f"expected {status}: {health}"
    assert any("queen" in reason for reason in health["reasons"]), f"no reason names the queen: {health['reasons']}"


@then('it has logged "{event}" exactly once')
def then_logged_once(context, event):
    entries = log_events(context.world.cluster.journal, context.world.cluster.hives[0].process, event)
    assert len(entries) == 1, f"expected one line {event!r}, got {len(entries)}: {entries}"
