"""Statements without effect: no action on the product, no observation, at most log output."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from beehave.audit.calls import PURE_METHODS, is_log_call, is_pure_name
from beehave.audit.source import Source, root_name
from beehave.audit.truths import always_true

NOT_DONE = ("NotImplementedError", "StepNotImplementedError", "PendingStepError")


class Inertness:
    """The check for statements without effect in one file."""

    def __init__(
        self, source: Source, nothing_but_log: Callable[[ast.expr], bool], *, assertions_apart: bool = False
    ) -> None:
        self._source = source
        self._nothing_but_log = nothing_but_log
        """Whether a called function is inert itself."""
        self._assertions_apart = assertions_apart
        """Whether another rule judges the evidence of assertions."""

    def body(self, statements: Iterable[ast.stmt]) -> bool:
        """Return whether all of these are inert."""
        return all(self.statement(statement) for statement in statements)

    def statement(self, statement: ast.stmt) -> bool:
        """Return whether a statement has no effect; storing a plain value in a name or in `context` is none."""
        match statement:
            case ast.Assign(targets=targets, value=value):
                return self.expression(value) and all(_own_place(target) for target in targets)
            case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
                return (value is None or self.expression(value)) and _own_place(target)
            case ast.Assert(test=test):
                return always_true(test) or (self._assertions_apart and self.expression(test))
            case ast.Raise(exc=error):
                return error is None or any(name in ast.unparse(error) for name in NOT_DONE)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Delete(targets=targets):
                return all(isinstance(target, ast.Name) for target in targets)
        return all(self._part(child) for child in ast.iter_child_nodes(statement))

    def expression(self, node: ast.AST) -> bool:
        """Return whether every call in an expression is inert."""
        return not isinstance(node, ast.Await | ast.Yield | ast.YieldFrom) and all(
            self.call(part) for part in ast.walk(node) if isinstance(part, ast.Call)
        )

    def call(self, call: ast.Call) -> bool:
        """Return whether a call has no effect, its arguments aside."""
        if is_log_call(self._source, call) or is_pure_name(self._source, call.func):
            return True
        match call.func:
            case ast.Name():
                return self._nothing_but_log(call.func)
            case ast.Attribute(attr=name, value=value):
                plain = name in PURE_METHODS and not self._beyond(value)
                return plain or self._nothing_but_log(call.func)
        return False

    def _beyond(self, receiver: ast.expr) -> bool:
        """Return whether a method's receiver may be an object of the harness instead of a plain value."""
        return root_name(receiver) in {"context", "ctx", "self", "cls"}

    def _part(self, node: ast.AST) -> bool:
        if isinstance(node, ast.stmt):
            return self.statement(node)
        if isinstance(node, ast.ExceptHandler | ast.match_case):
            return self.body(node.body)
        return self.expression(node)


def _own_place(target: ast.expr) -> bool:
    """Return whether a store stays within the steps: in a local name, or an attribute of `context` itself."""
    match target:
        case ast.Name():
            return True
        case ast.Attribute(value=ast.Name(id="context" | "ctx")):
            return True
        case ast.Subscript(value=value):
            return _own_place(value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(_own_place(element) for element in elements)
    return False
