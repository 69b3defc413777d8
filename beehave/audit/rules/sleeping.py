"""The rule against bare sleeps: too short on a busy machine, too long on every other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import Source

RULE = "sleep"
SLEEPS = frozenset({"anyio.sleep", "asyncio.sleep", "gevent.sleep", "time.sleep", "trio.sleep"})


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each mention of a sleep, under whatever name it was imported."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and source.dotted(node) in SLEEPS:
            yield Fault(
                RULE,
                node.lineno,
                "It waits for a time and not for what must have happened by then.",
                "Wait for the condition with beehave.conditions.eventually, or watch that it holds with always.",
            )
