"""Families of behaviours, as beehave.toml defines them; proofs and progress are counted by family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from beehave.errors import HarnessError
from beehave.settings import load_settings


@dataclass(frozen=True)
class Families:
    """The families of a project, in their order."""

    places: Mapping[str, str]
    """By family, the feature file or the folder of features that belongs to it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all families."""
        return tuple(self.places)

    def of(self, file: str) -> str | None:
        """Return the family of a feature file, given relative to the project's folder; None when it has none."""
        path = PurePosixPath(file)
        for family, place in self.places.items():
            if path.is_relative_to(place):
                return family
        return None

    def check(self, family: str | None) -> None:
        """Check that a family exists; None stands for all families.

        Raises:
            HarnessError: there is no family of this name.
        """
        if family is not None and family not in self.places:
            raise HarnessError(f"no family {family!r}; there are: {', '.join(self.places) or 'none'}")


def read_families(folder: Path) -> Families:
    """Return the families of the project in `folder`.

    Raises:
        HarnessError: its settings are missing or wrong.
    """
    return Families(load_settings(folder, {}).families)
