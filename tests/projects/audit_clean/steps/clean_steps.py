"""Sentences that are alike and yet never match the same line; nothing here is ever run."""

from behave import given, then, when


@given("{count:d} bees")
@given("a bee")
def given_bees(context, count=1): ...


@given("{count:d} bees each")
def given_bees_each(context, count): ...


@when("they fly")
def when_they_fly(context): ...


@then('the line "{text}" is there')
def then_the_line_is_there(context, text): ...


@then('the line "{text}" is not there')
def then_the_line_is_not_there(context, text): ...


@given("it rains")
def given_rain(context): ...


@then("it rains")
def then_rain(context): ...
