"""The rule for a broad `except` that swallows errors, so that they never reach the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.flow import Flow
from beehave.audit.source import Source

RULE = "swallowing-except"
BROAD = frozenset({"AssertionError", "BaseException", "Exception"})
"""AssertionError is one of them, since it is the verdict of a step."""


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each broad handler that does not always raise, and for `contextlib.suppress` of the same."""
    for node in ast.walk(source.tree):
        match node:
            case ast.ExceptHandler(type=kind, body=body) if kind is None or _broad(source, kind):
                if not Flow(lambda _: False).ends(body):
                    yield _fault(node.lineno)
            case ast.Call(func=function, args=args) if source.dotted(function) == "contextlib.suppress":
                if any(_broad(source, argument) for argument in args):
                    yield _fault(node.lineno)


def _broad(source: Source, kind: ast.expr) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_broad(source, each) for each in kind.elts)
    return source.dotted(kind).removeprefix("builtins.") in BROAD


def _fault(line: int) -> Fault:
    return Fault(
        RULE,
        line,
        "It catches everything, the step's own failure too, and goes on as if nothing had happened.",
        "Catch the one error that is expected, or raise again with what was expected and what came.",
    )
