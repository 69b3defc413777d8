"""The evidence of assertions: an observation of the product, or only values that the step itself supplied.

Values are followed through the statements of a step in order, without types. A value is

- PLAIN: a constant, an argument of the sentence, the clock, a random number, behave's own table or text, what another
  step computed from such values and stored in `context`, and the results of pure functions of these;
- HELD: an object of the harness, by itself no observation: a client, a duration of the configuration;
- SEEN: the result of an observation of the product, what the harness stores of it, or a value computed from it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import IntEnum

from beehave.audit.calls import PURE_METHODS, is_pure_name
from beehave.audit.code import HARNESS_OBJECTS, Code
from beehave.audit.source import Function, Source, chain, parameters
from beehave.audit.truths import always_true


class Worth(IntEnum):
    """The evidence of a value, from none to most; of several values, the best one counts."""

    PLAIN = 0
    HELD = 1
    SEEN = 2


BEHAVES_OWN = frozenset({"active_outline", "config", "feature", "rule", "scenario", "table", "tags", "text"})
DEPTH_MAX = 4
"""How many levels of helpers in step files are followed."""


@dataclass
class Written:
    """The values that all step files store in `context`."""

    worth: dict[str, Worth] = field(default_factory=dict)
    """By attribute of `context` itself, the best value that any step stores there."""
    below: set[str] = field(default_factory=set)
    """Attributes of the harness's objects that a step sets itself: afterwards they are no evidence."""


@dataclass(frozen=True)
class Judgement:
    """A condition that is asserted."""

    test: ast.expr
    line: int
    worth: Worth


class Reader:
    """Follows the values of one function of a step file."""

    def __init__(
        self,
        source: Source,
        code: Code,
        written: Written,
        names: dict[str, Worth],
        *,
        context: str = "context",
        depth: int = 0,
    ) -> None:
        self._source = source
        self._code = code
        self._written = written
        self._names = names
        """The worth of local names, and of attribute chains that were read (`context.world.clients`)."""
        self._context = context
        self._depth = depth
        self.judgements: list[Judgement] = []
        self.returned = Worth.PLAIN

    @classmethod
    def of_step(cls, source: Source, function: Function, code: Code, written: Written) -> Reader:
        """Read a step function: its parameters are plain."""
        names = parameters(function)
        context = names[0] if names else "context"
        reader = cls(source, code, written, dict.fromkeys(names[1:], Worth.PLAIN), context=context)
        reader.block(function.body)
        return reader

    def block(self, body: list[ast.stmt]) -> None:
        """Follow statements."""
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assert(test=test):
                self._judge(test)
            case ast.If(test=test, body=body, orelse=orelse):
                # `if wrong: raise AssertionError` judges its condition as `assert not wrong` does.
                if any(isinstance(each, ast.Raise) for each in [*body[-1:], *orelse[-1:]]):
                    self._judge(test)
                self.block(body)
                self.block(orelse)
            case ast.Assign(targets=targets, value=value):
                worth = self.worth(value)
                for target in targets:
                    self._store(target, worth)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._store(target, self.worth(value))
            case ast.AugAssign(target=target, value=value):
                # `seen += 1` keeps what was observed.
                self._store(target, max(self.worth(target), self.worth(value)))
            case ast.Return(value=ast.expr() as value):
                self.returned = max(self.returned, self.worth(value))
            case ast.For(target=target, iter=iterable) | ast.AsyncFor(target=target, iter=iterable):
                self._store(target, self.worth(iterable))
                self.block([*statement.body, *statement.orelse])
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    worth = self.worth(item.context_expr)
                    if item.optional_vars is not None:
                        self._store(item.optional_vars, worth)
                self.block(statement.body)
            case ast.Match(subject=subject):
                worth = self.worth(subject)
                # A name that a pattern binds is a part of the subject.
                for part in ast.walk(statement):
                    if isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                        self._names[part.name] = worth
                self._other(statement)
            case _:
                self._other(statement)

    def _other(self, statement: ast.stmt) -> None:
        for child in ast.iter_child_nodes(statement):
            match child:
                case ast.stmt():
                    self._statement(child)
                case ast.ExceptHandler(body=body):
                    if child.name:
                        self._names[child.name] = Worth.SEEN
                    self.block(body)
                case ast.match_case(body=body):
                    self.block(body)
                case ast.expr():
                    self.worth(child)

    def _judge(self, test: ast.expr) -> None:
        worth = Worth.PLAIN if always_true(test) else self._asserted(test)
        self.judgements.append(Judgement(test, test.lineno, worth))

    def _asserted(self, test: ast.expr) -> Worth:
        """Return the worth of a condition: of alternatives, each must have evidence."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
            return min(self._asserted(value) for value in test.values)
        return self.worth(test)

    def _store(self, target: ast.expr, worth: Worth) -> None:
        match target:
            case ast.Name(id=name):
                self._names[name] = worth
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self._store(element, worth)
            case ast.Starred(value=value) | ast.Subscript(value=value):
                self._store_attribute(value, worth)
            case ast.Attribute():
                self._store_attribute(target, worth)

    def _store_attribute(self, target: ast.expr, worth: Worth) -> None:
        match chain(target):
            case [root, attribute] if root == self._context:
                self._written.worth[attribute] = max(worth, self._written.worth.get(attribute, Worth.PLAIN))
            case [root, *_, attribute] if (root == self._context or root in self._names) and worth < Worth.SEEN:
                self._written.below.add(attribute)
            case [name]:
                self._names[name] = max(worth, self._names.get(name, Worth.PLAIN))

    def worth(self, node: ast.AST) -> Worth:
        """Return the worth of an expression."""
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr(target=target, value=value):
                worth = self.worth(value)
                self._store(target, worth)
                return worth
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.Lambda(body=body):
                return self.worth(body)
            case ast.IfExp(body=body, orelse=orelse):
                return max(self.worth(body), self.worth(orelse))
            case ast.Constant():
                return Worth.PLAIN
        return max((self.worth(child) for child in ast.iter_child_nodes(node)), default=Worth.PLAIN)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Worth:
        worth = Worth.PLAIN
        for generator in node.generators:
            worth = max(worth, self.worth(generator.iter))
            self._store(generator.target, self.worth(generator.iter))
            worth = max(worth, *(self.worth(test) for test in generator.ifs)) if generator.ifs else worth
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return max(worth, *(self.worth(part) for part in parts))

    def _name(self, name: str) -> Worth:
        if name in self._names:
            return self._names[name]
        return Worth.HELD if name == self._context else Worth.PLAIN

    def _attribute(self, node: ast.Attribute) -> Worth:
        parts = chain(node)
        for end in range(len(parts), 1, -1):
            if ".".join(parts[:end]) in self._names:
                return Worth.SEEN
        if parts[:1] == [self._context] and len(parts) == 2:
            return self._of_context(node.attr)
        holder = self.worth(node.value)
        if holder is Worth.HELD and node.attr not in self._written.below and self._code.looks(node.attr):
            return Worth.SEEN
        return holder

    def _of_context(self, attribute: str) -> Worth:
        if attribute in HARNESS_OBJECTS:
            return Worth.HELD
        if attribute in BEHAVES_OWN:
            return Worth.PLAIN
        return self._written.worth.get(attribute, Worth.HELD)

    def _call(self, call: ast.Call) -> Worth:
        given = [self.worth(argument) for argument in [*call.args, *(keyword.value for keyword in call.keywords)]]
        best = max(given, default=Worth.PLAIN)
        match call:
            case ast.Call(func=ast.Name(id="getattr"), args=[holder, ast.Constant(value=str(attribute)), *_]):
                return self._attribute(ast.copy_location(ast.Attribute(holder, attribute, ast.Load()), call))
            case ast.Call(func=ast.Name(id="setattr"), args=[holder, ast.Constant(value=str(attribute)), value]):
                self._store_attribute(ast.Attribute(holder, attribute, ast.Store()), self.worth(value))
                return Worth.PLAIN
            case ast.Call(func=ast.Attribute() as function) if not self._imported(function):
                return max(best, self._method(function))
        return max(best, self._function(call, given))

    def _imported(self, function: ast.Attribute) -> bool:
        parts = chain(function)
        return bool(parts) and parts[0] not in self._names and parts[0] in self._source.imports

    def _method(self, function: ast.Attribute) -> Worth:
        receiver = self.worth(function.value)
        if receiver is Worth.SEEN or (receiver is Worth.PLAIN and function.attr in PURE_METHODS):
            return receiver
        if self._code.known(function.attr) and not self._code.looks(function.attr):
            return receiver
        if receiver is Worth.HELD and function.attr in PURE_METHODS and not self._code.known(function.attr):
            return receiver
        looked_at = ".".join(chain(function.value))
        if looked_at and receiver is Worth.HELD:
            self._names[looked_at] = Worth.SEEN  # its content is now an observation
        return Worth.SEEN

    def _function(self, call: ast.Call, given: list[Worth]) -> Worth:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in self._names:
            return self._names[name]
        local = self._source.top_functions.get(name)
        if local is not None:
            return self._helper(local, given)
        dotted = self._source.dotted(call.func)
        if is_pure_name(self._source, call.func):
            return Worth.PLAIN
        key = self._code.key(self._source, call.func)
        if self._code.known(key):
            return Worth.SEEN if self._code.looks(key) else Worth.PLAIN
        return Worth.HELD if self._code.of_driver(dotted) else Worth.SEEN

    def _helper(self, function: Function, given: list[Worth]) -> Worth:
        if self._depth >= DEPTH_MAX:
            return Worth.PLAIN
        names = parameters(function)
        inner = Reader(
            self._source,
            self._code,
            self._written,
            {name: worth for name, worth in zip(names, given, strict=False) if name != self._context},
            context=self._context,
            depth=self._depth + 1,
        )
        inner.block(function.body)
        self.judgements += inner.judgements
        return inner.returned


def what_steps_write(sources: list[Source], code: Code) -> Written:
    """Return what the step files store in `context`; in two passes, since steps store values of other steps."""
    written = Written()
    for _ in range(2):
        for source in sources:
            for function in source.functions():
                Reader.of_step(source, function, code, written)
    return written
