"""The rule for a parameter of a sentence that has no effect: `4 clients` does the same as any other number."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.rules.doing import is_empty
from beehave.audit.source import chain, parameters
from beehave.audit.step_functions import StepFunction
from beehave.audit.truths import always_true

RULE = "unused-parameter"


def find(step: StepFunction, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each parameter that is never used, or only in messages, logs and names that are never used."""
    used = set() if is_empty(step, facts) else _Uses(step, facts).names  # a step that does nothing uses nothing
    for name in parameters(step.node)[1:]:
        if name not in used:
            yield Fault(
                RULE,
                step.node.lineno,
                f"The sentence's parameter {name!r} decides nothing: at most a message or a log line shows it.",
                "Use it in what the step does or compares, or take it out of the sentence.",
            )


class _Uses:
    """The names in one step that matter, followed back from statements that have an effect."""

    def __init__(self, step: StepFunction, facts: Facts) -> None:
        self._inert = facts.code.inertness(step.source)
        self._facts = facts
        self.names: set[str] = set()
        before = -1
        while len(self.names) != before:  # a name on the right of an assignment counts once the name on its left counts
            before = len(self.names)
            for statement in step.node.body:
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assert(test=test):
                if not always_true(test):
                    self._all_in(test)
            case ast.Assign(targets=targets, value=value):
                self._stored(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
                self._stored([target], value)
            case ast.Delete():
                pass
            case ast.Expr(value=value):
                if not self._inert.expression(value):
                    self._all_in(value)
            case ast.Return(value=ast.expr() as value):
                if not self._inert.expression(value):
                    self._all_in(value)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement.name in self.names:
                    self._all_in(statement)
            case _ if self._inert.statement(statement) and not _decides(statement):
                pass
            case _:
                self._parts(statement)

    def _parts(self, statement: ast.AST) -> None:
        for child in ast.iter_child_nodes(statement):
            match child:
                case ast.stmt():
                    self._statement(child)
                case ast.ExceptHandler() | ast.match_case():
                    self._parts(child)
                case _:
                    self._all_in(child)

    def _stored(self, targets: list[ast.expr], value: ast.expr) -> None:
        if not self._inert.expression(value) or any(self._matters(target) for target in targets):
            self._all_in(value)
        for target in targets:
            if not isinstance(target, ast.Name):
                self._all_in(target)

    def _matters(self, target: ast.expr) -> bool:
        match target:
            case ast.Name(id=name):
                return name in self.names
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return any(self._matters(element) for element in elements)
            case ast.Attribute() if len(parts := chain(target)) == 2:
                return parts[-1] in self._facts.read_from_context
        return True

    def _all_in(self, node: ast.AST) -> None:
        self.names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _decides(statement: ast.stmt) -> bool:
    """Return whether a statement can end the step or change its path."""
    return any(
        isinstance(node, ast.Raise | ast.Return | ast.Break | ast.Continue)
        or (isinstance(node, ast.Assert) and not always_true(node.test))
        for node in ast.walk(statement)
    )
