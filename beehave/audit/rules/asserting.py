"""Rules for a `Then` that can pass without having asserted anything."""

from __future__ import annotations

from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.flow import Flow
from beehave.audit.step_functions import StepFunction

NEVER = "then-without-assertion"
SOMETIMES = "then-may-not-assert"


def find(step: StepFunction, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for a `Then` without an assertion, or with a path that passes none."""
    if not step.judges:
        return
    flow = Flow(lambda call: facts.code.is_check(step.source, call))
    if not flow.may_check(step.node.body):
        yield Fault(
            NEVER,
            step.node.lineno,
            "It asserts nothing, so it passes whatever the product does.",
            'Write `assert seen == expected, "what was expected, what came"`, or call a helper of the driver that ends '
            "in journal.checked(...).",
        )
    elif not flow.always_checks(step.node.body):
        yield Fault(
            SOMETIMES,
            step.node.lineno,
            "Its assertions stand in an `if`, a loop that may not run once, or behind a way out: there is a way "
            "through it that asserts nothing.",
            "Assert on every way: gather in the driver what is wrong and assert that it is nothing, and that there was "
            "something to look at.",
        )
