"""The rule against a `Then` that stores something: it should only judge."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import chain, parameters
from beehave.audit.step_functions import StepFunction

RULE = "then-assigns"
MUTATORS = frozenset({"add", "append", "clear", "extend", "insert", "pop", "remove", "setdefault", "update"})


def find(step: StepFunction, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each place in a `Then` that changes `context` or something below it."""
    if not step.judges:
        return
    reachable = set(parameters(step.node)[:1])
    for node in ast.walk(step.node):
        if isinstance(node, ast.Assign) and _root(node.value) in reachable:
            reachable |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(step.node):
        if any(_root(target) in reachable and not isinstance(target, ast.Name) for target in _targets(node)):
            yield Fault(
                RULE,
                getattr(node, "lineno", step.node.lineno),
                "A Then judges what is; this one writes, and a later step may take it for something seen.",
                "Store in the When, through the driver; keep what only this step needs in a local name.",
            )


def _targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return [part for target in targets for part in _flat(target)]
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.NamedExpr(target=target):
            return _flat(target)
        case ast.AnnAssign(target=target, value=ast.expr()):
            return [target]
        case ast.withitem(optional_vars=ast.expr() as target):
            return _flat(target)
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, *_]):
            return [ast.Attribute(target, "", ast.Store())]
        case ast.Call(func=ast.Attribute(value=holder, attr=method)) if method in MUTATORS and len(chain(holder)) == 2:
            return [holder]  # `context.seen.append(...)`; deeper down, such names are methods of the driver
    return []


def _flat(target: ast.expr) -> list[ast.expr]:
    return (
        [part for each in target.elts for part in _flat(each)] if isinstance(target, ast.Tuple | ast.List) else [target]
    )


def _root(node: ast.expr) -> str:
    """Return the name below which a chain of attributes and subscripts, without calls, lies."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
