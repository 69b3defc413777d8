"""Sentences with every fault that `beehave duplicates` finds, beside sound ones; nothing here is ever run."""

from behave import given, step, then, when


@given("{count:d} bees")
@given("a bee")
def given_bees(context, count=1): ...


@when("they fly")
def when_they_fly(context): ...


@then('the hive is "{state}"')
def then_the_hive_is(context, state): ...


@when("{what} is sent")
def when_something_is_sent(context, what): ...


@when("a message is sent")
def when_a_message_is_sent(context): ...


@then("{count:d} bees are {where}")
def then_bees_are(context, count, where): ...


@then("{count:d} {kind} are home")
def then_some_are_home(context, count, kind): ...


@given("a bee")
def given_another_bee(context): ...


@step("they rest")
def they_rest(context): ...


@when("they rest")
def when_they_rest(context): ...


@given("nobody says this")
def given_unused(context): ...


@given("a {thing:Unregistered}")
def given_broken(context, thing): ...


@then("the queen is {mood} and calm")
def then_the_queen_is_calm(context, mood): ...


@then("the queen is {mood}")
def then_the_queen_is(context, mood): ...
