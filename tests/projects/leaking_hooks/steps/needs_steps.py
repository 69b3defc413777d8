"""A step that does nothing."""

from behave import given


@given("a step")
def given_a_step(context):
    pass
