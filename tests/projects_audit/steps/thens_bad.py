"""Thens that may assert nothing, that write, and parameters that decide nothing."""

import contextlib

from behave import given, step, then, when

from support.notes import note


def perhaps(rows):
    if rows:
        assert rows == [1]


@then("it only looks")
def then_looks(context):  # expect: then-without-assertion
    context.world.registry.queen_rows()


@step("it looks, whatever the word")
def step_looks(context):  # expect: then-without-assertion
    context.world.registry.queen_rows()


@given("it is fine as a Given")
@then("it is not as a Then")
def both(context):  # expect: then-without-assertion
    context.world.hang_up()


@then("an if without an else")
def then_if(context):  # expect: then-may-not-assert
    rows = context.world.registry.queen_rows()
    if rows:
        assert rows[0]["state"] == "ready"


@then("an else that says nothing")
def then_else(context):  # expect: then-may-not-assert
    rows = context.world.registry.queen_rows()
    if rows:
        assert rows[0]["state"] == "ready"
    else:
        print("none")


@then("a loop over what may be nothing")
def then_for(context):  # expect: then-may-not-assert
    for row in context.world.registry.queen_rows():
        assert row["state"] == "ready"


@then("a loop that may not begin")
def then_while(context):  # expect: then-may-not-assert
    rows = context.world.registry.queen_rows()
    while rows:
        assert rows.pop()["state"] == "ready"


@then("an early return")
def then_return(context):  # expect: then-may-not-assert
    rows = context.world.registry.queen_rows()
    if not rows:
        return
    assert rows[0]["state"] == "ready"


@then("a match without the rest")
def then_match(context):  # expect: then-may-not-assert
    rows = context.world.registry.queen_rows()
    match rows:
        case [_]:
            assert rows[0]["state"] == "ready"


@then("a failure that is an answer")
def then_try(context):  # expect: then-may-not-assert
    try:
        assert context.world.registry.queen_rows() == []
    except KeyError:
        print("no rows")


@then("an assertion that is suppressed")
def then_suppressed(context):  # expect: then-may-not-assert
    with contextlib.suppress(KeyError):
        assert context.world.registry.queen_rows() == []


@then("a break before it")
def then_break(context):  # expect: then-may-not-assert
    for number in (1, 2):
        rows = context.world.registry.queen_rows()
        if number > len(rows):
            break
        assert rows


@then("an assertion in a lambda")
def then_lambda(context):  # expect: then-may-not-assert
    look = lambda: context.world.registry.wait_until_consistent(count=1, within_s=context.world.settle_s)
    note("looked", look)


@then("a helper that may assert")
def then_perhaps(context):  # expect: then-without-assertion
    perhaps(context.world.registry.queen_rows())


@then("a premise is no verdict")
def then_premise(context):  # expect: then-without-assertion
    context.world.cluster.queen.client.get("/health").expect(200)


@then("it vouches for itself")
def then_vouches(context):  # expect: then-without-assertion
    rows = context.world.registry.queen_rows()
    context.world.cluster.journal.checked(f"fine: {rows}")


@then("it writes")
def then_writes(context):
    context.rows = context.world.registry.queen_rows()  # expect: then-assigns
    assert context.rows == []


@then("it writes further down")
def then_writes_below(context):
    world = context.world
    rows = world.registry.queen_rows()
    world.cluster.worker_options["slots"] = len(rows)  # expect: then-assigns
    setattr(context, "rows", rows)  # expect: then-assigns
    context.seen.append(rows)  # expect: then-assigns
    del context.before  # expect: then-assigns
    assert rows == []


@when("{count:d} workers start")
def when_workers_start(context, count):  # expect: unused-parameter
    context.world.start_hives(1)


@when("{count:d} more workers start")
def when_more_start(context, _count):  # expect: unused-parameter
    context.world.start_hives(1)


@when("{count:d} others start")
def when_others_start(context, count):  # expect: unused-parameter
    del count
    context.world.start_hives(1)


@when("{count:d} last ones start")
def when_last_start(context, count):  # expect: unused-parameter
    _ = count
    wanted = count + 1
    context.never_read = wanted
    note("start %s", count)
    context.world.start_hives(1)


@then("there are {count:d} workers")
def then_count(context, count):  # expect: unused-parameter
    rows = context.world.registry.queen_rows()
    assert rows, f"expected {count} workers"
