"""Steps about memory that runs out: of devices, and of the host."""

from behave import given, then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.answers import details_of
from cluster.memory.view import highest_claim, steps_of, was_free_between


@given("a hive with a device of {size:Size}")
def given_hive_with_device(context, size):
    context.world.memory.start_hives(1, devices=[size])


@given("a hive with a device of {size:Size} and {slots:d} slot for each worker")
def given_hive_with_device_and_slots(context, size, slots):
    context.world.cluster.worker_options["slots"] = slots
    context.world.memory.start_hives(1, devices=[size])


@given("a hive with devices of {first:Size} and {second:Size}")
def given_hive_with_devices(context, first, second):
    context.world.memory.start_hives(1, devices=[first, second])


@given("{hives:Hives} that share a device of {size:Size}")
def given_hives_share_device(context, hives, size):
    context.world.memory.start_hives(hives, devices=[size])


@given("a hive that limits its workers to {limit:Size}, held by {keeper:MemoryKeeper}")
def given_hive_with_limit(context, limit, keeper):
    context.world.memory.limit_workers(limit, keeper)
    context.world.memory.start_hives(1)


@given('"{model}" has been pulled')
def given_model_pulled(context, model):
    context.world.memory.pull(model)


@given('{count:Workers} for "{model}" that serves')
@given('{count:Workers} for "{model}" that serve')
@when('{count:Workers} for "{model}" are started one after the other')
def given_workers_for_model(context, count, model):
    context.world.changes.start_in_order(count, model=model)


@given('a client that keeps asking for "{model}"')
def given_retrying_client(context, model):
    context.world.clients.keep_asking(model)


@when('a client waits in line for "{model}"')
def when_client_waits_in_line(context, model):
    context.world.clients.wait_in_queue(model)


@when('"{model}" streams {tokens:d} tokens')
def when_model_streams(context, model, tokens):
    context.world.clients.begin_stream(max_tokens=tokens, model=model).wait_for_tokens(1)


@when('a worker for "{model}" is spawned on each hive in the same instant')
def when_spawned_on_each_hive(context, model):
    context.world.changes.spawn_on_all_hives(model)


@when("another program takes {size:Size} of the device")
def when_device_taken(context, size):
    context.world.memory.take_device(size)


@when("the other program gives it back")
def when_device_given_back(context):
    context.world.faults.heal_last()


@when('the limit of the worker for "{model}" is lowered to {room:Size} above its use')
def when_limit_lowered(context, model, room):
    context.world.memory.lower_limit_of(model, room)


@when('{count:Workers} for "{model}" run out of memory one after the other')
def when_out_of_memory_repeatedly(context, count, model):
    context.world.memory.run_out_repeatedly(model, count)


@then("it says that {needed:Size} are needed and {available:Size} are available")
def then_answer_has_figures(context, needed, available):
    answer = context.world.history.answer()
    details = details_of(answer)
    figures = (details.get("needed_bytes"), details.get("available_bytes"))
    assert figures == (needed, available), f"the answer has other details: {answer}"


@then("no process was started, and there is no row")
def then_nothing_started(context):
    registry = context.world.registry
    started, processes = context.world.memory.view.starts(), registry.worker_processes()
    at_queen, at_hive = registry.queen_rows(), registry.hive_rows()
    assert started == [], f"the hive has logged a start: {started}"
    assert at_queen == [], f"the queen has a row: {at_queen}"
    assert at_hive == [], f"the hive has a row: {at_hive}"
    assert processes == [], f"there is a process: {processes}"


@then('the worker for "{model}" has ended {end:ProcessEnd}')
def then_process_ended(context, model, end):
    exited = context.world.memory.view.exit_of(model)
    assert (exited["exit_status"], exited["signal"]) == end, f"it ended otherwise: {exited}"
    assert exited["asked"] is False, f"it was asked to end: {exited}"


@then('the device was charged for "{model}" step by step, and never booked beyond its memory')
def then_charged_in_steps(context, model):
    watch = context.world.memory.devices.watch()
    samples = watch.observed(context.world.cluster.journal)
    steps = steps_of(samples, context.world.registry.only_row(model=model)["id"])
    assert len(steps) >= 3, f"a load of gigabytes shows in {len(steps)} steps, {steps}: {samples}"
    assert highest_claim(samples) <= watch.ledger.memory_bytes, f"booked beyond {watch.ledger.memory_bytes}: {samples}"


@then("the device was never booked beyond its memory")
def then_never_overbooked(context):
    watch = context.world.memory.devices.watch()
    samples = watch.observed(context.world.cluster.journal)
    assert highest_claim(samples) > 0, "nothing was ever booked"
    assert highest_claim(samples) <= watch.ledger.memory_bytes, f"booked beyond {watch.ledger.memory_bytes}: {samples}"


@then(
    "row, events, metrics and log say, by {by:MemoryKeeper}, "
    'that "{model}" needs at least {needed:Size} and has {available:Size}'
)
def then_reported_everywhere(context, by, model, needed, available):
    check_reported(context.world.memory.view.reported(model, by), by, needed, available)


@then(
    'row, events, metrics and log say, by {by:MemoryKeeper}, that "{model}" needs more than the limit that it was left'
)
def then_reported_with_lowered_limit(context, by, model):
    check_reported(context.world.memory.view.reported(model, by), by, 0, context.world.memory.lowered_limit)


def check_reported(report, by, needed, available):
    for place, shortage in report.shortages().items():
        assert shortage.get("available_bytes") == available, f"{place} has {shortage}"
        assert shortage.get("needed_bytes", 0) >= needed, f"{place} has {shortage}"
        assert shortage.get("needed_bytes", 0) > available, f"{place} has a need that would have fitted: {shortage}"
    assert report.reasons() == {"out_of_memory"}, f"the reasons differ: {report}"
    assert (len(report.events), len(report.logged), report.counted) == (1, 1, 1), f"not reported exactly once: {report}"
    assert report.logged[0]["by"] == by, f"found out otherwise: {report.logged}"


@then('the waiting client gets {status:d} with code "{code}", {needed:Size} needed and {available:Size} available')
def then_client_gets_figures(context, status, code, needed, available):
    _, answer = context.world.history.waiting_answer()
    details = details_of(answer)
    assert (answer.status, answer.error_code) == (status, code), f"the client got {answer}"
    assert details.get("needed_bytes", 0) >= needed, f"details: {details}"
    assert details.get("available_bytes") == available, f"details: {details}"


@then('the worker for "{model}" is live nowhere, and is not started again')
def then_not_started_again(context, model):
    starts = context.world.memory.view.never_started_again(model)
    assert len(starts) == 1, f"it was started {len(starts)} times: {starts}"


@then('nothing is left of the worker for "{model}"')
def then_nothing_left_of_model(context, model):
    left = context.world.memory.view.leftovers(model)
    assert left == [], f"there is left: {left}"


@then('only "{model}" holds memory of the device, {size:Size}')
def then_only_model_holds(context, model, size):
    held = context.world.memory.wait_until_only_held_by(model)
    assert sum(held.values()) == size, f"held of the device: {held}"


@then("nothing is held of the device")
def then_nothing_held(context):
    held = context.world.memory.wait_until_only_held_by(None)
    assert held == {}, f"held of the device: {held}"


@then('the queen reported the failure of "{model}" within two heartbeats')
def then_known_in_time(context, model):
    view = context.world.memory.view
    took_ms = view.known_after_ms(model)
    assert took_ms <= view.bound_ms, f"the queen reported it {took_ms:.0f} ms after its memory ran out"


@then('the memory of "{model}" was back within two heartbeats')
def then_memory_back_in_time(context, model):
    view = context.world.memory.view
    took_ms = view.back_after_ms(model)
    assert took_ms <= view.bound_ms, f"the ledger had its memory for {took_ms:.0f} ms after the last charge"


@then('the stream of "{model}" ends with an error chunk "{code}" and no [DONE]')
def then_stream_of_model_breaks(context, model, code):
    stream = context.world.memory.ended_stream(model)
    seen = f"expected one error chunk {code}, got {stream.errors}; [DONE] came: {stream.done}; {stream.failure}"
    assert [error.get("code") for error in stream.errors] == [code], seen
    assert not stream.done, "a broken stream ended with [DONE], as if it were whole"
    assert stream.tokens, "it broke before its first token"


@then('the stream of "{model}" ends with all of its tokens and [DONE]')
def then_stream_of_model_is_whole(context, model):
    stream = context.world.memory.ended_stream(model)
    assert stream.done, f"no [DONE]; error chunks: {stream.errors}, {stream.failure}"
    assert len(stream.tokens) == stream.body["max_tokens"], (
        f"{len(stream.tokens)} tokens came, not {stream.body['max_tokens']}"
    )


@then("the device was free of the killed worker's {size:Size} before the new one was charged")
def then_free_in_between(context, size):
    samples = context.world.memory.devices.watch().observed(context.world.cluster.journal)
    worker_id = context.world.history.subject["id"]
    assert was_free_between(samples, worker_id, size), f"it was never without {worker_id}: {samples}"


@then("the hive's memory has grown by no more than {limit:Size}")
def then_hive_memory_flat(context, limit):
    grown = context.world.memory.hive_growth()
    assert grown <= limit, f"the hive's memory has grown by {grown} bytes"


@then('they are on "{first}", "{second}" and "{third}", as the rows, the hive, the queen and the ledgers have it')
def then_on_devices(context, first, second, third):
    devices = context.world.memory.devices_of_started()
    assert devices == [first, second, third], f"they were placed on {devices}"


@then('{least:Serving} {count:d} of them serves "{model}", and the others are out of memory')
def then_so_many_serve(context, least, count, model):
    outcomes = context.world.memory.outcomes_of_spawns(model)
    assert least * count <= outcomes.count("serves") <= count, f"of the workers: {outcomes}"
    assert set(outcomes) <= {"serves", "out_of_memory"}, f"of the workers: {outcomes}"
    assert "out_of_memory" in outcomes, f"all found room, which there was not: {outcomes}"


@then("nothing was called out of memory")
def then_nothing_called_oom(context):
    view = context.world.memory.view
    assert view.counted_out_of_memory() == 0, f"the hive counts {view.counted_out_of_memory()} workers out of memory"
    assert view.logged_out_of_memory() == [], f"the hive's log has {view.logged_out_of_memory()}"
    assert view.events_of_failure() == [], f"the queen has the events {view.events_of_failure()}"
