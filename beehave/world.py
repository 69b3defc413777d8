"""The world of a scenario, which its steps share: a project's own class of this shape, or the plain one here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel

from beehave.daemons import Daemons
from beehave.faults.base import FaultStack


@dataclass(frozen=True)
class ScenarioInfo:
    """What a world knows of its scenario."""

    name: str
    tags: frozenset[str]
    """Tags of the scenario and its feature, without the `@`."""


class WorldLike(Protocol):
    """The class that a project gives to `beehave.hooks`; one is made for every scenario in `before_scenario`."""

    durations_model: ClassVar[type[BaseModel] | None]
    """Validates the `[durations]` table of beehave.toml; None when the project has none."""

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """Start what every scenario with these tags begins with; `seed` is the seed of random choices."""

    def heal(self) -> list[str]:
        """Undo every fault that is still in force; return a sentence for each that could not be undone."""
        ...

    def hang_up(self) -> None:
        """End what a step left running besides daemons: streams, threads, sockets."""


class World:
    """The default world, with `context.world.daemons` and `context.world.faults`."""

    durations_model: ClassVar[type[BaseModel] | None] = None

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """seed: what the random choices of the scenario follow from."""
        self.daemons = daemons
        self.scenario = scenario
        self.seed = seed
        self.faults = FaultStack(daemons.journal)

    def heal(self) -> list[str]:
        """Undo every fault that is still in force, the last one first; return what could not be undone."""
        return self.faults.heal_all()

    def hang_up(self) -> None:
        """Do nothing: the default world starts nothing but daemons."""
