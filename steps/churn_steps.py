"""Steps about workers: spawning, stopping, killing, and what must be true of them then."""

from behave import given, then, when

from beehave.process.logs import log_events
from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.churn.interleaving import ChurnReport
from cluster.cluster import DEFAULT_MODEL
from cluster.database.catalog_view import read_catalog
from cluster.records import Kind


@given('a worker on it that is loading "{model}"')
def given_loading_worker(context, model):
    context.world.changes.spawn_until_loading(model)


@given('a worker on it that serves "{model}"')
def given_worker_of_model(context, model):
    context.world.workers.wait_until_routable(context.world.workers.ids_of([context.world.workers.spawn(model=model)]))


@given("a worker that is frozen")
def given_frozen_worker(context):
    context.world.changes.freeze(context.world.registry.first_row())


@when("{count:Workers} are spawned at once")
def when_workers_spawned(context, count):
    context.world.changes.spawn(count)


@when('a worker is spawned for the model "{model}"')
def when_worker_spawned_for_model(context, model):
    context.world.changes.spawn(1, model=model)


@when("a worker is spawned under an id that is in use")
def when_id_is_taken(context):
    context.world.changes.spawn_under_living_id()


@when("{count:Workers} are stopped at once")
@when("{count:Workers} is stopped")
def when_workers_stopped(context, count):
    context.world.changes.stop(count)


@when("a worker is stopped at its hive")
def when_worker_is_stopped_at_hive(context):
    context.world.changes.stop_at_hive()


@when("that worker is stopped")
def when_that_worker_is_stopped(context):
    context.world.changes.stop_that()


@when("a worker is killed")
def when_a_worker_is_killed(context):
    context.world.changes.end("killed", context.world.registry.first_row())


@when("the worker that serves it is {ending:WorkerEnding}")
def when_serving_worker_ends(context, ending):
    context.world.changes.end(ending, context.world.clients.serving_row())


@when("it has been restarted")
def when_it_has_been_restarted(context):
    context.world.changes.wait_until_replaced()


@when("spawns and stops are interleaved {changes:d} times")
def when_churn(context, changes):
    context.world.changes.churn(changes, seed=context.world.seed)


@then("{count:d} distinct ids were answered")
def then_distinct_ids(context, count):
    ids = context.world.workers.ids_of(context.world.history.answers(Kind.SPAWN))
    assert len(set(ids)) == count, f"expected {count} distinct ids: {ids}"


@then("none of those ids was in use before")
def then_ids_are_new(context):
    ids = set(context.world.workers.ids_of(context.world.history.answers(Kind.SPAWN)))
    before = context.world.history.before.workers
    assert before, "no worker was known before"
    assert not ids & set(before), f"{ids & set(before)} had a living row before"


@then("each of them is a live process of the worker's command, and a child of its hive")
def then_live_children(context):
    for row, process in context.world.changes.spawned():
        assert process.alive(), f"{row['id']} is no live process: {process.describe()}"
        assert process.parent_pid() == context.world.cluster.daemon(row["hive_id"]).process.pid, (
            f"re-parented: {process.describe()}"
        )
        assert context.world.cluster.is_worker_command(process.argv()), f"another command: {process.describe()}"


@then("the queen, the hives and the process table agree on {count:Workers}")
def then_views_agree(context, count):
    workers = context.world.registry.wait_until_consistent(count=count, within_s=context.world.cluster.settle_s)
    assert len(workers) == count, f"they agree on {workers}"


@then("the queen, the hives and the process table agreed after each of the {changes:d} changes")
def then_views_agreed(context, changes):
    report = context.world.history.kept(ChurnReport, "interleaved spawns and stops")
    so_far = f"seed {report.seed} (-D seed={report.seed} does it again), changes so far:\n" + "\n".join(report.changes)
    assert report.disagreement is None, f"{report.disagreement}\n{so_far}"
    context.world.registry.wait_until_consistent(within_s=context.world.cluster.settle_s)
    assert len(report.changes) == changes, f"only {len(report.changes)} changes, {so_far}"


@then("each worker answers as itself on the port of its row")
def then_workers_answer_as_themselves(context):
    healths = context.world.registry.own_healths()
    claimed = [(row["id"], row["instance"], row["pid"], row["start_ticks"]) for row, _ in healths]
    answered = [(own["name"], own["instance"], own["pid"], own["start_ticks"]) for _, own in healths]
    assert claimed, "the queen lists no worker"
    assert answered == claimed, f"the rows say {claimed}, on their ports answer {answered}"


@then("no worker process is without a row, without its hive as parent, or a zombie")
def then_no_orphans(context):
    strays = context.world.registry.strays()
    assert not strays, "workers without an owner:\n" + "\n".join(strays)


@then("the hive saw each of them exit with status 0")
def then_exit_statuses(context):
    exits = context.world.changes.exits_logged()
    assert {entry["worker_id"] for entry in exits} == context.world.history.subject_ids, f"exits logged: {exits}"
    assert [entry["exit_status"] for entry in exits] == [0] * len(exits), f"not all with status 0: {exits}"


@then("the queen lists the stopped worker no more")
def then_stopped_worker_is_not_listed(context):
    # Not awaited: the lease by which its hive is available again is the full picture.
    listed = [row for row in context.world.registry.queen_rows() if row["id"] in context.world.history.subject_ids]
    assert not listed, f"it has ended, and is still listed: {listed}"


@then("the hive saw it end, and it was never ready")
def then_ended_before_ready(context):
    exits = context.world.changes.exits_logged()
    hive = context.world.cluster.first_hive
    ready = log_events(context.world.cluster.journal, hive.process, "worker_ready")
    assert [entry["exit_status"] for entry in exits] == [0], f"it should have ended with status 0: {exits}"
    assert not ready, f"it became ready although it was stopped while loading: {ready}"


@then("nothing of it is left: no row, no process, no listener")
@then("nothing of them is left: no row, no process, no listener")
def then_nothing_is_left(context):
    left = context.world.changes.leftovers()
    assert left == [], f"there is left: {left}"


@then('the answer is {status:d} with code "{code}"')
def then_answer_is(context, status, code):
    answer = context.world.history.answer()
    assert (answer.status, answer.error_code) == (status, code), f"expected {status} {code}, got {answer}"


@then("the worker of that id is the same process as before")
def then_same_process(context):
    worker_id = context.world.history.subject["id"]
    before = context.world.history.before.workers
    workers = context.world.registry.wait_until_consistent(count=len(before), within_s=context.world.cluster.settle_s)
    now = [each for each in workers if each.id == worker_id]
    assert now == [before[worker_id]], f"before: {before}, now: {workers}"


@then("it runs again: same id, new instance, new process, and the old process is gone")
def then_restarted(context):
    old, new = context.world.changes.wait_until_replaced()
    assert new.id == old.id, f"the restarted worker has another id: {old} -> {new}"
    assert new.instance != old.instance, f"the instance is still {old.instance}"
    assert new.process != old.process, f"the process is still {old.process}"
    assert not old.process.exists(), f"the old process is still there: {old.process.describe()}"


@then("the restarted worker served {count:d} of them by its own count")
def then_restarted_worker_served(context, count):
    old, row = context.world.history.subject, context.world.registry.only_row()
    served = context.world.clients.served_by_workers()
    assert row["instance"] != old["instance"], f"it was not restarted: {row}"
    assert served == {old["id"]: count}, f"expected {count} by {old['id']}, counted {served}"


@then("the hive's catalog passes an integrity check and lists the model")
def then_catalog_is_whole(context):
    catalog = read_catalog(context.world.cluster.journal, context.world.cluster.catalog_path("hive-1"))
    assert catalog.integrity == ["ok"], f"integrity check: {catalog.integrity}"
    assert catalog.models == [DEFAULT_MODEL], f"models in the file: {catalog.models}"


@then("it is gone no sooner than the kill grace")
def then_gone_after_grace(context):
    took_s = context.world.changes.seconds_until_gone()
    grace_s = context.world.cluster.durations.kill_grace_ms / 1000
    assert took_s >= grace_s, f"gone after {took_s:.2f} s, before the grace of {grace_s:.2f} s had passed"


@then("they are all gone after {low:d} kill grace and before {high:d}")
def then_gone_within_graces(context, low, high):
    took_s = context.world.changes.seconds_until_gone()
    grace_s = context.world.cluster.durations.kill_grace_ms / 1000
    assert low * grace_s <= took_s < high * grace_s, f"gone after {took_s:.2f} s, the grace is {grace_s:.2f} s"


@then("the hive logged the kill with the worker's id, its PID, the reason and the signal")
def then_kill_is_logged(context):
    kills = context.world.changes.kills_logged()
    expected = {(row["id"], row["pid"], "SIGKILL") for row in context.world.history.subjects}
    assert {(kill["worker_id"], kill["pid"], kill["signal"]) for kill in kills} == expected, f"logged: {kills}"
    assert all(kill["reason"] for kill in kills), f"a kill without a reason: {kills}"
