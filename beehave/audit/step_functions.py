"""Step definitions as written in the source: decorator, sentence, function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from beehave.audit.source import Function, Source

KINDS = frozenset({"given", "when", "then", "step"})


@dataclass(frozen=True, eq=False)
class StepFunction:
    """A function that behave runs for a sentence. `And` and `But` do not matter: its kind is its decorator."""

    source: Source
    node: Function
    kinds: frozenset[str]
    sentence: str
    """The sentence; of several, the first one, with the decorator's name in front."""

    @property
    def judges(self) -> bool:
        """Whether it may be used as a `Then`; a `@step` may."""
        return not self.kinds.isdisjoint({"then", "step"})


def steps_of(source: Source) -> list[StepFunction]:
    """Return the step definitions of a file, also of functions whose name a later one has taken."""
    return [step for function in source.functions() for step in _as_step(source, function)]


def _as_step(source: Source, function: Function) -> Iterator[StepFunction]:
    found = [
        (kind, decorator.args[0])
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and decorator.args and (kind := _kind(source, decorator.func))
    ]
    if found:
        kind, sentence = found[0]
        yield StepFunction(source, function, frozenset(kind for kind, _ in found), f"{kind.title()} {_text(sentence)}")


def _kind(source: Source, decorator: ast.expr) -> str:
    """Return the kind; behave defines the decorators also in step files that do not import them."""
    word = source.dotted(decorator).removeprefix("behave.").lower()
    return word if word in KINDS else ""


def _text(sentence: ast.expr) -> str:
    return str(sentence.value) if isinstance(sentence, ast.Constant) else ast.unparse(sentence)
