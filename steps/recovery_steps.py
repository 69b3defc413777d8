"""Steps about what fails and comes back."""

from behave import given, then, when

from beehave.conditions import eventually
from cluster.answers import retry_after_s
from cluster.event_view import events_so_far
from cluster.parameter_types import ENDINGS
from cluster.recovery.gauges import gauges_of_workers
from cluster.recovery.recovery import KNOWN_WITHIN_S
from cluster.registry_view import WorkerIdentity


@given("a hive that never restarts its workers")
def given_hive_that_never_restarts(context):
    context.world.cluster.worker_options["restart"] = "never"
    context.world.hives.start(1)


@given("a hive that stops its workers after {idle_ms:d} ms of idleness")
def given_hive_with_idle_stop(context, idle_ms):
    context.world.cluster.duration_overrides["idle_stop_ms"] = idle_ms
    context.world.hives.start(1)


@when("a client asks for a stream that lasts longer than {what:Lasting}")
def when_long_stream_begins(context, what):
    context.world.recovery.stream_longer_than(what)


@when("the queen is {ending:Ending} and started again")
def when_queen_restarts(context, ending):
    context.world.recovery.end_and_restart("queen", ENDINGS[ending])


@when("hive-{number:d} is frozen and the queen is killed and started again")
def when_queen_restarts_without_hive(context, number):
    context.world.recovery.freeze_hive(f"hive-{number}")
    context.world.recovery.end_and_restart("queen", ENDINGS["killed"])


@when("hive-{number:d} is started again")
def when_hive_starts_again(context, number):
    context.world.recovery.restart(f"hive-{number}")


@when("hive-{number:d} is killed, its worker dies, and the row names a stranger's PID")
def when_stranger_has_pid(context, number):
    context.world.recovery.give_pid_to_stranger(f"hive-{number}")


@when("the queen, the hives and the workers are all killed")
def when_everything_is_killed(context):
    context.world.recovery.kill_everything()


@when("the queen and the hives are started again")
def when_everything_starts_again(context):
    context.world.recovery.restart_everything()


@when("a worker is frozen")
def when_worker_is_frozen(context):
    context.world.changes.freeze(context.world.registry.first_row())


@when("the frozen worker goes on")
def when_worker_goes_on(context):
    context.world.changes.thaw_all()


@then("the queen, the hives and the process table agree on {count:Workers} within one lease time")
def then_views_agree_within_lease(context, count):
    workers = context.world.recovery.agree_within_lease(count)
    assert len(workers) == count, f"they agree on {workers}"


@then("the queen, the hives and the process table agree on {count:Workers} besides the stranger")
def then_views_agree_besides_stranger(context, count):
    workers = context.world.registry.wait_until_consistent(count=count, within_s=context.world.cluster.settle_s)
    assert len(workers) == count, f"they agree on {workers}"


@then("they are the same processes as before")
def then_same_processes(context):
    now = {WorkerIdentity.of_row(row) for row in context.world.registry.queen_rows()}
    before = context.world.recovery.before
    assert now == before, f"before: {before}\nnow: {now}"


@then("for one lease time the queen declares no hive unavailable")
def then_nobody_declared_dead(context):
    context.world.recovery.no_hive_unavailable_for_a_lease()
    kinds = [event["kind"] for event in events_so_far(context.world.cluster)]
    assert kinds, "the queen has no event of its hives at all"
    assert "hive.unavailable" not in kinds, f"a hive was declared dead: {kinds}"


@then("the queen calls hive-{number:d} unavailable no sooner than one lease time after its start")
def then_dead_after_a_lease(context, number):
    took_s = context.world.recovery.seconds_until_unavailable(f"hive-{number}")
    durations = context.world.cluster.durations
    # The first look comes some time after its start, up to a heartbeat on a busy machine.
    least_s = (durations.lease_ms - durations.heartbeat_ms) / 1000
    assert took_s >= least_s, f"hive-{number} was called dead after {took_s:.2f} s, expected at least {least_s:.2f} s"


@then("a request is served")
def then_request_is_served(context):
    (answer,) = context.world.recovery.ask_each(1)
    assert answer.status == 200, f"not served: {answer}"


@then("the client's connection broke without [DONE]")
def then_connection_broke(context):
    seen = context.world.history.stream.wait_for_end()
    assert seen["failure"] or seen["errors"], f"the client could not see that its stream is not whole: {seen}"
    assert not seen["done"], f"a broken stream ended with [DONE]: {seen}"


@then("the worker is idle again")
def then_worker_is_idle(context):
    row = context.world.registry.only_row()
    busy = eventually(
        context.world.cluster.journal,
        "no slot of the worker is taken",
        lambda: context.world.registry.client_of(row).get("/health").expect(200).json["slots_busy"],
        lambda busy: busy == 0,
        within_s=KNOWN_WITHIN_S,
    )
    assert busy == 0, f"{busy} slots are still taken"


@then("the {count:d} worker processes live on")
def then_workers_live_on(context, count):
    alive = context.world.recovery.survivors_after_a_heartbeat()
    assert len(alive) == count, f"expected {count} survivors: {alive}"


@then("the workers end themselves no sooner than the orphan grace and no later than two heartbeats after it")
def then_workers_end_themselves(context):
    took_s = context.world.recovery.seconds_until_workers_ended()
    grace_s = context.world.cluster.durations.orphan_grace_ms / 1000
    heartbeat_s = context.world.cluster.durations.heartbeat_ms / 1000
    # The grace begins with the last heartbeat that the hive answered, up to one heartbeat before it was killed.
    assert took_s >= grace_s - heartbeat_s, f"they ended after {took_s:.2f} s, the grace is {grace_s:.2f} s"
    assert took_s <= context.world.recovery.orphan_bound_s, f"they ended only after {took_s:.2f} s"


@then("the stranger is alive and got no signal")
def then_stranger_is_alive(context):
    alive, lines = context.world.recovery.stranger_seen()
    assert alive, f"the stranger is dead; it printed {lines}"
    assert lines == ["here"], f"the stranger was signalled: {lines}"


@then("no worker process is left")
def then_no_worker_process(context):
    left = context.world.registry.worker_processes()
    assert left == [], "left: " + "; ".join(process.describe() for process in left)


@then("the queen lists no worker of it")
def then_queen_lists_none(context):
    rows = context.world.registry.queen_rows()
    assert rows == [], f"the queen still lists {rows}"


@then("no two workers share an id, a process or a port")
def then_all_distinct(context):
    rows = context.world.registry.queen_rows()
    for key in (lambda row: row["id"], lambda row: row["pid"], lambda row: (row["hive_id"], row["port"])):
        assert len({key(row) for row in rows}) == len(rows), f"something is shared: {rows}"


@then("the queen knows within 1 second")
def then_queen_knows(context):
    crashed, now = context.world.history.subject, context.world.recovery.crash_known()
    assert now.get("instance") != crashed["instance"] or not now["routable"], f"still routed to: {now}"


@then("every one of the next {count:d} requests is served")
def then_next_requests_served(context, count):
    answers = context.world.recovery.ask_after_act(count)
    failed = [str(answer) for answer in answers if answer.status != 200]
    assert not failed, f"{len(failed)} of {count} were not served:\n" + "\n".join(failed)


@then("every one of the next {count:d} requests is served by the other worker")
def then_next_requests_served_by_other(context, count):
    frozen = context.world.history.subject_ids
    answers = context.world.recovery.ask_each(count)
    served_by = {answer.headers.get("x-worker-id") for answer in answers}
    assert [answer.status for answer in answers] == [200] * count, f"not all served: {answers}"
    assert not served_by & frozen, f"{frozen} is frozen, and the answers came from {served_by}"


@then('a request gets {status:d} with code "{code}" and Retry-After')
def then_request_refused(context, status, code):
    (answer,) = context.world.recovery.ask_each(1)
    assert (answer.status, answer.error_code) == (status, code), f"expected {status} {code}: {answer}"
    assert retry_after_s(answer) >= 0, f"no Retry-After: {answer.headers}"


@then('the worker rests as "{state}" with the reason "{reason}"')
def then_worker_rests(context, state, reason):
    crashed = context.world.history.subject
    (row,) = context.world.registry.wait_for_state({crashed["id"]}, state, within_s=KNOWN_WITHIN_S)
    assert row["reason"] == reason, f"it is {state} for another reason: {row}"
    assert row["pid"] is None, f"it rests, and has a process: {row}"


@then("the gauges of workers say what the lists say, at each of {looks:d} looks")
def then_gauges_are_true(context, looks):
    seen = gauges_of_workers(context.world.cluster, looks=looks)
    wrong = [look for look in seen if look.shown != look.listed]
    assert all(look.listed for look in seen), f"no worker is listed, so the gauges prove nothing: {seen}"
    assert not wrong, f"gauges that are not what the list says: {wrong}"


@then("it is unhealthy after {strikes:d} probes, and not routed to")
def then_unhealthy(context, strikes):
    frozen = context.world.history.subject
    row, logged, took_s = context.world.recovery.wait_until_unhealthy(probes=strikes)
    least_s = context.world.recovery.probe_least_s(strikes)
    assert row["instance"] == frozen["instance"], f"the frozen worker was replaced instead: {row}"
    assert [entry["worker_id"] for entry in logged] == [frozen["id"]], f"logged: {logged}"
    assert took_s >= least_s, f"unhealthy after {took_s:.2f} s; {strikes} failed probes take at least {least_s:.2f} s"


@then("it is routed to again, as the same process")
def then_routed_again(context):
    frozen, within_s = context.world.history.subject, context.world.recovery.probe_bound_s(1)
    (row,) = context.world.registry.wait_for_state({frozen["id"]}, "routable", within_s=within_s)
    assert WorkerIdentity.of_row(row) == WorkerIdentity.of_row(frozen), f"was {frozen}, is {row}"


@then("the worker is healthy and the same process as long as the stream runs")
def then_healthy_while_streaming(context):
    worker, row = context.world.recovery.stays_routable()
    assert WorkerIdentity.of_row(row) == worker, f"was {worker}, is {row}"


@then('the worker is stopped no sooner than the idle time after the stream, with the reason "{reason}"')
def then_idle_stop(context, reason):
    idle_s = context.world.cluster.durations.idle_stop_ms / 1000
    workers, took_s, removed = context.world.recovery.idle_stop()
    assert workers == set(), f"still there: {workers}"
    assert took_s >= idle_s, f"stopped {took_s:.2f} s after its stream, the idle time is {idle_s:.2f} s"
    assert [event["reason"] for event in removed] == [reason], f"the events of removed workers: {removed}"
