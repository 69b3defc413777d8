"""Steps that do nothing."""

import logging

from behave import given, then, when

from support.notes import note, verify

logger = logging.getLogger("steps")


def shout(text):
    print(text.upper())


@given("nothing at all")
def given_nothing(context):  # expect: empty-body
    pass


@given("an ellipsis")
def given_ellipsis(context):  # expect: empty-body
    ...


@given("a docstring")
def given_docstring(context):  # expect: empty-body
    """It will do something one day."""


@given("a bare return")
def given_return(context):  # expect: empty-body
    return


@when("it prints")
def when_prints(context):  # expect: empty-body
    print("done")


@when("it logs")
def when_logs(context):  # expect: empty-body
    logger.info("done")
    logging.getLogger("x").warning("really")


@when("it gives up")
def when_gives_up(context):  # expect: empty-body
    raise NotImplementedError("later")


@when("it skips")
def when_skips(context):  # expect: empty-body
    context.scenario.skip("later")


@when("it calls a helper that prints")
def when_shouts(context):  # expect: empty-body
    shout("done")


@when("it calls a helper of another module that logs")
def when_notes(context):  # expect: empty-body
    note("done")


@when("it puts something aside")
def when_puts_aside(context):  # expect: empty-body
    context.started = True


@when("it has a name for it")
def when_names_it(context):  # expect: empty-body
    done = True


@when("it pretends to branch")
def when_branches(context):  # expect: empty-body
    for number in range(3):
        if number:
            print(number)


@when("it writes into the journal")
def when_journals(context):  # expect: empty-body
    context.world.cluster.journal.record("note", text="done")


@then("it is verified")
def then_verified(context):  # expect: empty-body, then-without-assertion
    verify("all of it")


@then("it holds")
def then_holds(context):  # expect: empty-body, then-without-assertion
    assert True  # expect: assertion-without-evidence
