"""The rules of `beehave stubs`: one small module for each idea, each with `find`, which yields faults.

`STEP_RULES` look at one step definition, `SOURCE_RULES` at all of a file (helpers and hooks, too).
"""

from __future__ import annotations

from beehave.audit.rules import (
    asserting,
    coroutines,
    doing,
    evident,
    excepting,
    killing,
    literals,
    outcomes,
    parameters,
    sleeping,
    writing,
)

STEP_RULES = (doing.find, asserting.find, evident.find, writing.find, parameters.find)
SOURCE_RULES = (excepting.find, sleeping.find, outcomes.find, literals.find, coroutines.find, killing.find)

RULES = (
    *(doing.RULE, asserting.NEVER, asserting.SOMETIMES, evident.RULE, writing.RULE, parameters.RULE),
    *(excepting.RULE, sleeping.RULE, outcomes.RULE, literals.PORT, literals.PID, literals.DURATION),
    *(coroutines.HOOK, coroutines.UNAWAITED, killing.RULE),
)
"""The names of all rules, as an inline exception may give them."""
