"""The rule for an assertion without evidence: on arguments, constants, or what steps stored in `context`."""

from __future__ import annotations

from collections.abc import Iterator

from beehave.audit.evidence import Reader, Worth
from beehave.audit.fault import Facts, Fault
from beehave.audit.step_functions import StepFunction

RULE = "assertion-without-evidence"


def find(step: StepFunction, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each assertion of a `Then`, also in helpers of its file, that has no evidence."""
    if not step.judges:
        return
    judgements = Reader.of_step(step.source, step.node, facts.code, facts.written).judgements
    for line in sorted({each.line for each in judgements if each.worth is not Worth.SEEN}):
        yield Fault(
            RULE,
            line,
            "What it compares does not come from the product: arguments, constants, values that steps made "
            "themselves, or a condition that always holds.",
            "Compare with what a call of the driver has just seen: an answer, an exit status, a file, a log line.",
        )
