"""The rule for a set of accepted outcomes with success and failure in it, which proves nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import Source

RULE = "mixed-outcomes"
GOOD = frozenset(["completed", "ok", "pass", "passed", "succeeded", "success", "successful"])
BAD = frozenset(["crashed", "error", "errored", "fail", "failed", "failure", "rejected", "refused"])


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each condition that accepts a success as well as a failure, in whatever form."""
    constants = _constants(source)
    for node in ast.walk(source.tree):
        if any(_mixed(values, about) for values, about in _accepted(node, constants)) or _wide_range(node):
            yield Fault(
                RULE,
                getattr(node, "lineno", 1),
                "It accepts a success and a failure alike, so the product may do either.",
                "Write a sentence for each outcome, and expect exactly one.",
            )


def _accepted(node: ast.AST, constants: dict[str, ast.expr]) -> Iterator[tuple[list[object], str]]:
    """Yield (accepted values, what is compared) of a node."""
    match node:
        case ast.Compare(left=left, ops=[ast.In() | ast.LtE() | ast.Lt()], comparators=[right]):
            yield _values(right, constants), ast.unparse(left)
        case ast.Call(func=ast.Attribute(value=left, attr="issubset"), args=[right]):
            yield _values(right, constants), ast.unparse(left)
        case ast.BoolOp(op=ast.Or(), values=values):
            by_left: dict[str, list[object]] = {}
            for value in values:
                match value:
                    case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=accepted)]):
                        by_left.setdefault(ast.unparse(left), []).append(accepted)
            yield from ((accepted, left) for left, accepted in by_left.items())
        case ast.MatchOr(patterns=patterns):
            yield (
                [
                    pattern.value.value
                    for pattern in patterns
                    if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
                ],
                "",
            )


def _mixed(values: list[object], about: str) -> bool:
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    words = {value.lower() for value in values if isinstance(value, str)}
    exits = re.search(r"exit|returncode", about) is not None
    return (
        (any(200 <= number < 300 for number in numbers) and any(400 <= number < 600 for number in numbers))
        or (not words.isdisjoint(GOOD) and not words.isdisjoint(BAD))
        or (exits and 0 in numbers and any(numbers))
        or len({value for value in values if isinstance(value, bool)}) == 2
    )


def _wide_range(node: ast.AST) -> bool:
    """Return whether a comparison of a status allows both: `status < 500`, `200 <= status < 600`."""
    match node:
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant(value=int(high))]):
            return high > 400 and _is_status(left)
        case ast.Compare(
            left=ast.Constant(value=int(low)),
            ops=[ast.Lt() | ast.LtE(), ast.Lt() | ast.LtE()],
            comparators=[middle, ast.Constant(value=int(high))],
        ):
            return low < 300 and high > 400 and _is_status(middle)
    return False


def _is_status(node: ast.expr) -> bool:
    return re.search(r"status", ast.unparse(node)) is not None


def _values(node: ast.expr, constants: dict[str, ast.expr]) -> list[object]:
    match node:
        case ast.Set(elts=elements) | ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [element.value for element in elements if isinstance(element, ast.Constant)]
        case ast.Call(func=ast.Name(id="set" | "frozenset" | "tuple" | "list"), args=[inner]):
            return _values(inner, constants)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=low), ast.Constant(value=int(high))]):
            return [low, high - 1]
        case ast.Name(id=name) if name in constants:
            return _values(constants[name], {})
    return []


def _constants(source: Source) -> dict[str, ast.expr]:
    """Return what is assigned to plain names anywhere in the file."""
    return {
        target.id: node.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
