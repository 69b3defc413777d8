"""Assertions that rest on nothing seen."""

import random
import time
from types import SimpleNamespace

from behave import given, then, when

from cluster.parameter_types import ENDINGS

EXPECTED = 3


def same(left, right):
    assert left == right  # expect: assertion-without-evidence


def plain():
    return {"status": 200}


@given("a wish for {count:d}")
def given_wish(context, count):
    context.wish = count
    context.answer = SimpleNamespace(status=200)
    context.doubled = context.wish * 2
    context.world.changes.answers = [1, 2, 3]
    context.world.start_hives(count)


@then("arguments are what they are, {count:d}")
def then_arguments(context, count):
    context.world.registry.queen_rows()
    assert count == EXPECTED  # expect: assertion-without-evidence
    assert len(str(count)) > 0  # expect: assertion-without-evidence
    assert isinstance(count, int)  # expect: assertion-without-evidence


@then("the wish is still {count:d}")
def then_wish(context, count):  # expect: empty-body, unused-parameter
    assert context.wish == count  # expect: assertion-without-evidence
    assert context.doubled == 2 * count  # expect: assertion-without-evidence
    assert hasattr(context, "wish")  # expect: assertion-without-evidence
    assert getattr(context, "wish") is not None  # expect: assertion-without-evidence
    assert context.answer.status == 200  # expect: assertion-without-evidence
    assert context.answer.status != 500 and context.table is None  # expect: assertion-without-evidence


@then("a step's own things are there")
def then_own(context):  # expect: empty-body
    response = {"status": 200}
    assert response is not None  # expect: assertion-without-evidence
    assert response["status"] == 200  # expect: assertion-without-evidence
    other = plain()
    assert other.get("status") == 200  # expect: assertion-without-evidence
    assert [value for value in response.values()] == [200]  # expect: assertion-without-evidence
    assert time.monotonic() > 0  # expect: assertion-without-evidence
    assert random.random() < 1  # expect: assertion-without-evidence
    assert ENDINGS  # expect: assertion-without-evidence
    assert context.world is not None  # expect: assertion-without-evidence
    assert context.world.cluster.durations.lease_ms > 0  # expect: assertion-without-evidence
    assert context.world.settle_s > 0  # expect: assertion-without-evidence
    assert context.world.changes.answers == [1, 2, 3]  # expect: assertion-without-evidence
    assert context.text == "x"  # expect: assertion-without-evidence


@then("it holds in any case")
def then_any_case(context):
    rows = context.world.registry.queen_rows()
    assert rows or True  # expect: assertion-without-evidence
    assert (rows, "there are rows")  # expect: assertion-without-evidence
    assert rows == rows  # expect: assertion-without-evidence
    assert len(rows) >= 0  # expect: assertion-without-evidence
    assert rows == [] or context.wish  # expect: assertion-without-evidence


@then("a helper compares {count:d}")
def then_helper(context, count):
    same(count, EXPECTED)


@then("it refuses {count:d}")
def then_refuses(context, count):
    if count != EXPECTED:  # expect: assertion-without-evidence
        raise AssertionError("another count")
