"""Steps with every fault that the runner has to find."""

from behave import given, then, when

seen = []


@given("nothing in particular")
def step(context):
    pass


@given("{count:d} bees are there")
def step(context, count):
    pass


@given("{what} are there")
def step(context, what):
    pass


@when("something is seen")
def step(context):
    context.session.journal.observe("something")
    seen.append(1)


@when("a coroutine is thrown away")
def step(context):
    coroutine()


@when("a coroutine is returned")
def step(context):
    return coroutine()


@then("it looks and asserts")
def step(context):
    context.session.journal.observe("something")
    value = 1
    assert value == 1, "one"


@then("it looks and the harness checks")
def step(context):
    context.session.journal.observe("something")
    context.session.journal.checked("that it is something")


@then("the memory is asserted")
def step(context):
    assert seen is not None, "a memory"


@then("it looks")
def step(context):
    context.session.journal.observe("something")


@then("it looks and asserts a constant")
def step(context):
    context.session.journal.observe("something")
    assert 1 < 2, "arithmetic"


async def coroutine():
    pass
