"""Steps that start, stop and kill the daemons of the cluster, and look at the queen's list of hives."""

from behave import given, then, when

from beehave.conditions import always, eventually
from cluster.parameter_types import ENDINGS


@given("{hives:Hives} with {workers:Workers} each")
def given_hives_with_workers(context, hives, workers):
    context.world.hives.start(hives, workers_each=workers)


@given("a hive with {workers:Workers}")
def given_a_hive_with_workers(context, workers):
    context.world.hives.start(1, workers_each=workers)


@given("a hive")
def given_a_hive(context):
    context.world.hives.start(1)


@given("a hive that always restarts its workers")
def given_a_hive_that_restarts(context):
    context.world.cluster.worker_options["restart"] = "always"
    context.world.hives.start(1)


@given("a hive whose workers ignore SIGTERM")
def given_a_hive_whose_workers_ignore_sigterm(context):
    context.world.cluster.block_sigterm_in_workers()
    context.world.hives.start(1)


@given("{workers:Workers} on it")
def given_workers_on_it(context, workers):
    context.world.workers.start(workers, hive="hive-1")


@when("{hives:Hives} start in the same instant")
def when_hives_start(context, hives):
    context.world.hives.start(hives)


@when("{name:w}-{number:d} is {ending:Ending}")
def when_daemon_ends(context, name, number, ending):
    context.world.recovery.end(f"{name}-{number}", ENDINGS[ending])


@when("hive-{number:d} is removed at the queen")
def when_hive_is_removed(context, number):
    context.world.cluster.queen.client.delete(f"/v1/hives/hive-{number}").expect(204)


@then("the queen lists the workers of hive-{number:d} alone")
def then_workers_of_one_hive(context, number):
    # For two heartbeats: another hive that still leases would be there again with its next one.
    rows = always(
        context.world.cluster.journal,
        f"the queen lists the workers of hive-{number} alone",
        context.world.registry.queen_rows,
        lambda rows: {row["hive_id"] for row in rows} == {f"hive-{number}"},
        for_s=2 * context.world.cluster.durations.heartbeat_ms / 1000,
    )
    assert rows, "the queen lists no worker at all"


@then("the queen lists {hives:Hives} that are available, with distinct ids and instances")
def then_queen_lists_hives(context, hives):
    rows = eventually(
        context.world.cluster.journal,
        f"the queen lists {hives} available hives",
        context.world.registry.hives_at_queen,
        lambda rows: [row["state"] for row in rows] == ["available"] * hives,
        within_s=context.world.cluster.durations.lease_ms / 1000,
    )
    assert len({row["id"] for row in rows}) == hives, f"ids are not distinct: {rows}"
    assert len({row["instance"] for row in rows}) == hives, f"instances are not distinct: {rows}"


@then("each of them is the process that was started under that id")
def then_hives_are_processes(context):
    listed = {(row["id"], row["pid"], row["instance"]) for row in context.world.registry.hives_at_queen()}
    started = {(hive.name, hive.process.pid, hive.instance) for hive in context.world.cluster.hives}
    assert listed == started, f"the queen lists {listed}, but the processes are {started}"
