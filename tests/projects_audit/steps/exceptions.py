"""Inline exceptions: with a reason, without, and for nothing."""

import time

from behave import given, when


@when("it sleeps for a reason")
def when_sleeps_for_a_reason(context):
    context.world.start_hives(1)
    time.sleep(1)  # stubs: allow sleep: the clock of the file system has whole seconds


@when("it sleeps for a reason that is given above")
def when_sleeps_below_the_reason(context):
    context.world.start_hives(1)
    # stubs: allow sleep: the clock of the file system has whole seconds
    time.sleep(1)


@given("nothing")  # stubs: allow empty-body: reads well in a table of what may be there
def given_nothing(context):
    pass


@when("it sleeps without a reason")
def when_sleeps_without(context):
    context.world.start_hives(1)
    time.sleep(1)  # stubs: allow sleep  # expect: sleep, exception-without-reason


@when("nothing is wrong")
def when_nothing_wrong(context):
    context.world.start_hives(1)  # stubs: allow sleep: there is none  # expect: unused-exception
    time.sleep(1)  # stubs: allow sleping: misspelt  # expect: sleep, unused-exception
