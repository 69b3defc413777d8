"""Steps with every fault that the runner has to find."""

from behave import given, then, when

seen = []


@given("nothing in particular")
def given_nothing_in_particular(context):
    pass


@given("{count:d} bees are there")
def given_count_d_bees_are_there(context, count):
    pass


@given("{what} are there")
def given_what_are_there(context, what):
    pass


@when("something is seen")
def when_something_is_seen(context):
    context.session.journal.observe("something")
    seen.append(1)


@when("a coroutine is thrown away")
def when_a_coroutine_is_thrown_away(context):
    coroutine()


@when("a coroutine is returned")
def when_a_coroutine_is_returned(context):
    return coroutine()


@then("it looks and asserts")
def then_it_looks_and_asserts(context):
    context.session.journal.observe("something")
    value = 1
    assert value == 1, "one"


@then("it looks and the harness checks")
def then_it_looks_and_the_harness_checks(context):
    context.session.journal.observe("something")
    context.session.journal.checked("that it is something")


@then("the memory is asserted")
def then_the_memory_is_asserted(context):
    assert seen is not None, "a memory"


@then("it looks")
def then_it_looks(context):
    context.session.journal.observe("something")


@then("it looks and asserts a constant")
def then_it_looks_and_asserts_a_constant(context):
    context.session.journal.observe("something")
    assert 1 < 2, "arithmetic"


async def coroutine():
    pass
