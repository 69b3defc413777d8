"""A step that does nothing."""

from behave import given


@given("a step")
def step(context):
    pass
