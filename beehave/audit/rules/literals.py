"""The rules for literal ports, PIDs and durations in steps, which are right on one machine at one speed only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import FUNCTION_TYPES, Source

PORT = "literal-port"
PID = "literal-pid"
DURATION = "literal-duration"

WORDS = {
    PORT: re.compile(r"(^|_)port$", re.IGNORECASE),
    PID: re.compile(r"(^|_)pid$", re.IGNORECASE),
    DURATION: re.compile(r"(^|_)(timeout|seconds|deadline|delay|duration|interval)$|_(s|ms|us|ns)$", re.IGNORECASE),
}
ADDRESS = re.compile(r"(?:localhost|://[\w.\[\]:-]+?|\b\d{1,3}(?:\.\d{1,3}){3}):\d{2,5}\b")
AFTER_HOST = re.compile(r"^:\d{2,5}(?=/|$)")
"""The part of an f-string that follows the host."""

ADVICE = {
    PORT: "Ask the daemon's address of the driver: `daemon.address`.",
    PID: "Take the identity of a process from what started it or from a row; compare PID and start time.",
    DURATION: "Let the sentence give it, or take it from the table of durations or from a named bound of the driver.",
}


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each number that is passed as, stored as or compared with a port, PID or duration."""
    for node in _without_sentences(source.tree):
        for name, value in _named(node):
            rule = next((rule for rule, word in WORDS.items() if word.search(name)), None)
            if rule is not None and _is_literal(value):
                yield _fault(rule, value.lineno, f"{name} = {ast.unparse(value)}")
        for text in _addresses(node):
            yield _fault(PORT, getattr(node, "lineno", 1), text)


def _without_sentences(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree without docstrings and decorators: a sentence may name a port."""
    yield node
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        decorator = isinstance(node, FUNCTION_TYPES) and child in node.decorator_list
        if not docstring and not decorator:
            yield from _without_sentences(child)


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name, value) wherever a value gets a name or is compared with a named one."""
    match node:
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield _name(target), value
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            yield _name(target), value
        case ast.Dict(keys=keys, values=values):
            yield from ((_text(key), value) for key, value in zip(keys, values, strict=True))
        case ast.Compare(left=left, comparators=comparators):
            sides = [left, *comparators]
            yield from ((_name(one), other) for one in sides for other in sides if one is not other)
        case ast.arguments(args=args, defaults=defaults, kwonlyargs=keyword_only, kw_defaults=keyword_defaults):
            yield from ((each.arg, value) for each, value in zip(args[::-1], defaults[::-1], strict=False))
            yield from ((each.arg, value) for each, value in zip(keyword_only, keyword_defaults, strict=True) if value)


def _text(key: ast.expr | None) -> str:
    return str(key.value) if isinstance(key, ast.Constant) else ""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _is_literal(value: ast.expr) -> bool:
    """Return whether a value is a number other than 0, or one with a number added or taken away.

    A factor is not a duration: it converts units or is a ratio.
    """
    match value:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool) and number != 0
        case ast.UnaryOp(operand=operand):
            return _is_literal(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return _is_literal(left) or _is_literal(right)
        case ast.BinOp(left=left, right=right):
            return _is_literal(left) and _is_literal(right)
    return False


def _addresses(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if found := ADDRESS.search(text):
            yield found.group()
        case ast.JoinedStr(values=parts):
            for part in parts[1:]:
                match part:
                    case ast.Constant(value=str(text)) if found := AFTER_HOST.match(text):
                        yield found.group()


def _fault(rule: str, line: int, what: str) -> Fault:
    thing = rule.removeprefix("literal-")
    return Fault(rule, line, f"A {thing} is written into the step: `{what}`.", ADVICE[rule])
