"""What the steps of one scenario share: a project's own class of this shape, or the plain one here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel

from beehave.daemons import Daemons
from beehave.faults.base import FaultStack


@dataclass(frozen=True)
class ScenarioInfo:
    """What a world is told of its scenario."""

    name: str
    tags: frozenset[str]
    """With those of its feature, without the `@`."""


class WorldLike(Protocol):
    """What a project hands to `beehave.hooks`: made for every scenario, in the `before_scenario` hook."""

    durations_model: ClassVar[type[BaseModel] | None]
    """Validates the `[durations]` table of beehave.toml; None when the project has none."""

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """Start what every scenario with these tags begins with; `seed` is what random choices follow from."""

    def heal(self) -> list[str]:
        """Undo every fault that is still in force; returns a sentence for each that could not be undone."""
        ...

    def hang_up(self) -> None:
        """End what a step left running that is no daemon: streams, threads, sockets."""


class World:
    """The plain one, for a project that has none of its own: `context.world.daemons`, `context.world.faults`."""

    durations_model: ClassVar[type[BaseModel] | None] = None

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """seed: what the random choices of the scenario follow from."""
        self.daemons = daemons
        self.scenario = scenario
        self.seed = seed
        self.faults = FaultStack(daemons.journal)

    def heal(self) -> list[str]:
        """Undo every fault that is still in force, the last one first; returns what could not be undone."""
        return self.faults.heal_all()

    def hang_up(self) -> None:
        """Nothing to end: it starts nothing but daemons."""
