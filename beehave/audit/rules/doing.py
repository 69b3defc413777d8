"""The rule for a step whose body does nothing: `pass`, a docstring, a log line, a stored value."""

from __future__ import annotations

from collections.abc import Iterator

from beehave.audit.evidence import Reader, Worth
from beehave.audit.fault import Facts, Fault
from beehave.audit.source import own_body
from beehave.audit.step_functions import StepFunction

RULE = "empty-body"


def find(step: StepFunction, facts: Facts) -> Iterator[Fault]:
    """Yield a fault when no statement acts on the product or observes it; helpers that only log do neither."""
    if is_empty(step, facts):
        yield Fault(
            RULE,
            step.node.lineno,
            "Nothing in it reaches the product: it only passes, logs or puts plain values aside.",
            "Call the one thing of the driver that does what the sentence says, or delete the step.",
        )


def is_empty(step: StepFunction, facts: Facts) -> bool:
    """Return whether a step does nothing; assertions without evidence do not count."""
    judgements = Reader.of_step(step.source, step.node, facts.code, facts.written).judgements
    seen = any(each.worth is Worth.SEEN for each in judgements)
    return not seen and facts.code.inertness(step.source).body(own_body(step.node))
