"""Classification of the functions that steps call, by name: do they check, observe, or do nothing?

Names are resolved without types, so all functions of one name are taken together: a name counts as checking only
when every function of that name does, and as observing when one does. In the kit and in the project's driver (the
packages that its environment.py imports) only a function that always reaches `journal.checked(...)` checks, as when
steps run (beehave/runner/evidence.py): `answer.expect(200)` is a precondition of an observation, not a verdict on it.
The code that is read is the kit, the driver, the step files, and the other modules of the project that they import.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from beehave.audit.flow import Flow
from beehave.audit.inertness import Inertness
from beehave.audit.source import Function, Source, own_body, root_name

LOOKING_MODULES = (
    "aiohttp.",
    "httpx.",
    "openai.",
    "psutil.",
    "requests.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "urllib.",
)
LOOKING_METHODS = frozenset({"observe", "read_text", "read_bytes", "stat", "iterdir", "glob", "exists", "is_file"})
HARNESS_OBJECTS = frozenset({"world", "daemons", "session", "child"})
"""What the hooks and steps put into `context` as the way to the product: by itself no look at it."""
MUTATORS = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})


@dataclass(eq=False)
class Code:
    """The functions that steps may call, by name."""

    drivers: list[Source]
    """The kit and the project's driver."""
    packages: frozenset[str]
    """The names of the packages of kit and driver."""
    helpers: list[Source]
    """Step files and the project's modules that they import: a journal entry of theirs does not count as a check."""
    _functions: dict[str, list[tuple[Source, Function]]] = field(init=False)

    def __post_init__(self) -> None:
        self._functions = defaultdict(list)
        for source in [*self.drivers, *self.helpers]:
            for function in source.functions():
                self._functions[function.name].append((source, function))
        for source in self.helpers:
            for function in source.top_functions.values():
                module = source.name.removesuffix(".py").replace("/", ".")
                for key in (f"{source.name}:{function.name}", f"{module}.{function.name}"):
                    self._functions[key] = [(source, function)]

    def key(self, source: Source, called: ast.expr) -> str:
        """Return the name under which the functions of a call are known.

        It is exact for what the file defines or imports from its project, else the last part of the dotted name.
        """
        dotted = source.dotted(called)
        for key in (f"{source.name}:{dotted}", dotted):
            if key in self._functions:
                return key
        return called.attr if isinstance(called, ast.Attribute) else dotted.rsplit(".", 1)[-1]

    def known(self, name: str) -> bool:
        """Return whether a function of this name is known."""
        return name in self._functions

    def is_check(self, source: Source, call: ast.Call) -> bool:
        """Return whether a call always asserts: every successful path of every function of its name ends in a check."""
        return self._is_check(source, call, self._checking)

    def looks(self, name: str) -> bool:
        """Return whether a function, property or attribute of this name observes the product.

        It does so when it makes an observation, or holds the result of one.
        """
        return name in self._looking

    def inertness(self, source: Source) -> Inertness:
        """Return the check for statements of one step file that have no effect, assertions apart."""
        return Inertness(source, lambda called: self.key(source, called) in self._inert, assertions_apart=True)

    @cached_property
    def _driver_set(self) -> frozenset[Source]:
        return frozenset(self.drivers)

    def of_driver(self, dotted: str) -> bool:
        """Return whether a dotted name belongs to the kit or the driver."""
        return dotted.partition(".")[0] in self.packages

    def _ours(self, dotted: str) -> bool:
        """Return whether an imported name is defined in the code that is known here."""
        return dotted.rsplit(".", 1)[-1] in self._functions or self.of_driver(dotted)

    @cached_property
    def _inert(self) -> frozenset[str]:
        def inert(source: Source, function: Function, so_far: frozenset[str]) -> bool:
            return Inertness(source, lambda called: self.key(source, called) in so_far).body(own_body(function))

        return self._grown(inert, every=True)

    @cached_property
    def _checking(self) -> frozenset[str]:
        def checks(source: Source, function: Function, so_far: frozenset[str]) -> bool:
            helps = source not in self._driver_set
            flow = Flow(lambda call: self._is_check(source, call, so_far), statements_count=helps)
            return flow.always_checks(function.body)

        return self._grown(checks, every=True)

    def _is_check(self, source: Source, call: ast.Call, names: frozenset[str]) -> bool:
        name = self.key(source, call.func)
        if name == "checked":  # a step that calls it directly proves nothing
            return source in self._driver_set and "journal" in ast.unparse(call.func)
        root = root_name(call.func)
        foreign = root in source.imports and not self._ours(source.imports[root])
        return name in names and not foreign

    @cached_property
    def _looking(self) -> frozenset[str]:
        assigned = self._assigned_attributes()

        def looks(source: Source, function: Function, so_far: frozenset[str]) -> bool:
            return any(_looks(source, node, so_far) for statement in function.body for node in ast.walk(statement))

        found = frozenset(name for name, values in assigned.items() if None in values)
        while True:
            more = self._grown(looks, every=False, start=found)
            held = {
                name
                for name, values in assigned.items()
                for value in values
                if value and any(_looks(value[0], node, more) for node in ast.walk(value[1]))
            }
            if found == more | held:
                return found
            found = more | held

    def _assigned_attributes(self) -> dict[str, set[tuple[Source, ast.expr] | None]]:
        """Return what kit and driver store under each attribute of `self`; None for what changes after `__init__`."""
        found: dict[str, set[tuple[Source, ast.expr] | None]] = defaultdict(set)
        for source in self.drivers:
            for function in source.functions():
                for node in ast.walk(function):
                    for attribute, value in _stores(node):
                        if attribute in HARNESS_OBJECTS:
                            continue
                        late = function.name != "__init__" and not isinstance(value, ast.Constant | ast.Name)
                        found[attribute].add(None if late or value is None else (source, value))
        return found

    def _grown(
        self,
        holds: Callable[[Source, Function, frozenset[str]], bool],
        *,
        every: bool,
        start: frozenset[str] = frozenset(),
    ) -> frozenset[str]:
        """Return the names whose functions (every one of them, or any) have a property, when calling one counts too."""
        found = start
        quantifier: Callable[[Iterable[object]], bool] = all if every else any
        while True:
            more = {
                name
                for name, functions in self._functions.items()
                if name not in found and quantifier([holds(*each, found) for each in functions])
            }
            if not more:
                return found
            found |= more


def _looks(source: Source, node: ast.AST, names: frozenset[str]) -> bool:
    match node:
        case ast.Attribute(attr=attribute, value=holder) if attribute in LOOKING_METHODS or attribute in names:
            return not isinstance(holder, ast.Constant | ast.JoinedStr)  # `", ".join` is not a method of the project
        case ast.Name(id=name) if name in names:
            return name in source.imports or name in source.top_functions  # nor a local name that is equal
        case ast.Call(func=function):
            dotted = source.dotted(function)
            return dotted == "open" or dotted.startswith(LOOKING_MODULES)
    return False


def _stores(node: ast.AST) -> list[tuple[str, ast.expr | None]]:
    """Return (attribute, value) of what a statement stores in `self`; the value is None when it adds to it."""
    match node:
        case ast.Assign(targets=targets, value=value):
            flat = [each for target in targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]
            return [(target.attr, value) for target in flat if _of_self(target)]  # type: ignore[attr-defined]
        case ast.AnnAssign(target=ast.Attribute(attr=attribute) as target, value=ast.expr() as value) if _of_self(
            target
        ):
            return [(attribute, value)]
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=attribute) as holder, attr=method)):
            return [(attribute, None)] if method in MUTATORS and _of_self(holder) else []
    return []


def _of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
