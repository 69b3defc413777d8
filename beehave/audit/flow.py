"""Control flow: whether all, some, or no paths through a function pass an assertion."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from beehave.audit.truths import always_true, constant_truth

States = frozenset[bool]
"""For the paths that reach a statement, whether they have asserted: none (it is unreachable), one value, or both."""

NOTHING: States = frozenset()
CHECKED: States = frozenset({True})
START: States = frozenset({False})


@dataclass(frozen=True)
class Ways:
    """The exits of a block: past its end, by `return`, `break` or `continue`; a path that raises is not recorded."""

    falls: States = NOTHING
    returns: States = NOTHING
    breaks: States = NOTHING
    continues: States = NOTHING

    def joined(self, other: Ways) -> Ways:
        """Return the exits of two alternatives."""
        return Ways(
            self.falls | other.falls,
            self.returns | other.returns,
            self.breaks | other.breaks,
            self.continues | other.continues,
        )

    def then(self, after: Ways) -> Ways:
        """Return the exits of this block followed by another one that starts where this one ended."""
        return replace(self, falls=NOTHING).joined(after)


class Flow:
    """Follows the statements of a function."""

    def __init__(self, is_check: Callable[[ast.Call], bool], *, statements_count: bool = True) -> None:
        self._is_check = is_check
        """Whether a call always asserts something."""
        self._statements_count = statements_count
        """Whether an `assert` statement, or a raised AssertionError, counts as well."""

    def always_checks(self, body: list[ast.stmt]) -> bool:
        """Return whether every path that ends without an error has asserted something."""
        ways = self.block(body, START)
        return False not in ways.falls | ways.returns

    def may_check(self, body: list[ast.stmt]) -> bool:
        """Return whether any path asserts something."""
        return any(self._asserts(node) for statement in body for node in ast.walk(statement))

    def ends(self, body: list[ast.stmt]) -> bool:
        """Return whether every path raises."""
        return self.block(body, START) == Ways()

    def block(self, body: Iterable[ast.stmt], states: States) -> Ways:
        """Return the exits of a block that is entered with these states."""
        ways = Ways(falls=states)
        for statement in body:
            if not ways.falls:
                break
            ways = ways.then(self._statement(statement, ways.falls))
        return ways

    def _asserts(self, node: ast.AST) -> bool:
        match node:
            case ast.Assert(test=test):
                return self._judges(test)
            case ast.Call():
                return self._is_check(node)
            case ast.If(body=body, orelse=orelse):
                return self._refuses(body) or self._refuses(orelse)
        return False

    def _statement(self, statement: ast.stmt, states: States) -> Ways:
        match statement:
            case ast.Assert(test=test):
                return Ways(falls=CHECKED if self._judges(test) else states)
            case ast.Return(value=value):
                return Ways(returns=self._after([value], states))
            case ast.Raise():
                return Ways()
            case ast.Break():
                return Ways(breaks=states)
            case ast.Continue():
                return Ways(continues=states)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return Ways(falls=states)
        return self._compound(statement, states)

    def _compound(self, statement: ast.stmt, states: States) -> Ways:
        match statement:
            case ast.If():
                return self._if(statement, self._after([statement.test], states))
            case ast.For() | ast.AsyncFor():
                states = self._after([statement.iter], states)
                return self._loop(statement, states, may_skip=not _never_empty(statement.iter), endless=False)
            case ast.While(test=test):
                truth = constant_truth(test)
                states = self._after([test], states)
                return self._loop(statement, states, may_skip=truth is not True, endless=truth is True)
            case ast.Try() | ast.TryStar():
                return self._try(statement, states)
            case ast.With() | ast.AsyncWith():
                return self._with(statement, states)
            case ast.Match():
                return self._match(statement, self._after([statement.subject], states))
        return Ways(falls=self._after(ast.iter_child_nodes(statement), states))

    def _judges(self, test: ast.expr) -> bool:
        return self._statements_count and not always_true(test)

    def _refuses(self, body: list[ast.stmt]) -> bool:
        return self._statements_count and _ends_in_assertion_error(body)

    def _if(self, statement: ast.If, states: States) -> Ways:
        truth = constant_truth(statement.test)
        into_body, into_else = states, states
        if self._refuses(statement.body):
            into_else = CHECKED  # `if bad: raise AssertionError` is an assertion too
        if self._refuses(statement.orelse):
            into_body = CHECKED
        body = self.block(statement.body, into_body) if truth is not False else Ways()
        other = self.block(statement.orelse, into_else) if truth is not True else Ways()
        return body.joined(other)

    def _loop(self, loop: ast.For | ast.AsyncFor | ast.While, states: States, *, may_skip: bool, endless: bool) -> Ways:
        once = self.block(loop.body, states)
        again = self.block(loop.body, states | once.falls | once.continues)
        ended = again.falls | again.continues | (states if may_skip else NOTHING)
        after = Ways() if endless else self.block(loop.orelse, ended)
        return Ways(falls=after.falls | again.breaks, returns=again.returns | after.returns).joined(
            Ways(breaks=after.breaks, continues=after.continues)
        )

    def _try(self, statement: ast.Try | ast.TryStar, states: States) -> Ways:
        body = self.block(statement.body, states)
        ways = body.then(self.block(statement.orelse, body.falls)) if body.falls else body
        for handler in statement.handlers:  # entered from anywhere in the body, possibly before its first assertion
            ways = ways.joined(self.block(handler.body, states | body.falls))
        last = self.block(statement.finalbody, START)
        if not last.falls:
            return last
        if last.falls == CHECKED:
            return Ways(
                *(CHECKED if way else NOTHING for way in (ways.falls, ways.returns, ways.breaks, ways.continues))
            )
        return ways.joined(replace(last, falls=NOTHING))

    def _with(self, statement: ast.With | ast.AsyncWith, states: States) -> Ways:
        inside = self._after([item.context_expr for item in statement.items], states)
        ways = self.block(statement.body, inside)
        swallows = any("suppress" in ast.dump(item.context_expr) for item in statement.items)
        return ways.joined(Ways(falls=inside)) if swallows else ways

    def _match(self, statement: ast.Match, states: States) -> Ways:
        ways = Ways()
        for case in statement.cases:
            ways = ways.joined(self.block(case.body, states))
        covered = any(
            isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
            for case in statement.cases
        )
        return ways if covered else ways.joined(Ways(falls=states))

    def _after(self, nodes: Iterable[ast.AST | None], states: States) -> States:
        sure = (call for node in nodes if node is not None for call in sure_calls(node))
        return CHECKED if states and any(self._is_check(call) for call in sure) else states


def sure_calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that happen whenever an expression is evaluated."""
    match node:
        case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return
        case ast.IfExp(test=test):
            yield from sure_calls(test)
            return
        case ast.BoolOp(values=[first, *_]):
            yield from sure_calls(first)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from sure_calls(node.generators[0].iter)
            return
        case ast.Call():
            yield node
    for child in ast.iter_child_nodes(node):
        yield from sure_calls(child)


def _ends_in_assertion_error(body: list[ast.stmt]) -> bool:
    match body:
        case [*_, ast.Raise(exc=ast.Call(func=ast.Name(id="AssertionError")) | ast.Name(id="AssertionError"))]:
            return True
    return False


def _never_empty(iterable: ast.expr) -> bool:
    match iterable:
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return any(not isinstance(element, ast.Starred) for element in elements)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return count > 0
    return False
