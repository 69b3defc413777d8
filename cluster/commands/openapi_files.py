"""The OpenAPI files in docs/: what the daemons themselves say of their routes, kept true by a scenario."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beehave.journal import Journal
from cluster.commands.playground import playground
from cluster.world import World

FOLDER = Path("docs") / "openapi"
ROLES = ("queen", "hive", "worker")


@dataclass(frozen=True)
class Asked:
    """The document that a daemon gave when a step asked for it."""

    journal: Journal
    role: str
    document: dict[str, Any]

    @classmethod
    def of(cls, world: World, role: str) -> Asked:
        """Ask a running daemon of this role."""
        return cls(world.cluster.journal, role, served(world, role))

    def differences(self, project: Path) -> list[str]:
        """Return a line for each place in which it is not what docs/openapi/ has (left: the file, right: served)."""
        found = differences(written(project, self.role), self.document)
        self.journal.observe("OpenAPI file", role=self.role, differences=found)
        return found


def served(world: World, role: str) -> dict[str, Any]:
    """Return the OpenAPI document that a running daemon of this role serves."""
    match role:
        case "queen":
            client = world.cluster.queen.client
        case "hive":
            client = world.cluster.hives[0].client
        case _:
            client = world.registry.client_of(world.registry.queen_rows()[0])
    return dict(client.get("/openapi.json").expect(200).json)


def written(project: Path, role: str) -> dict[str, Any]:
    """Return the document that stands in docs/openapi/."""
    return dict(json.loads((project / FOLDER / f"{role}.json").read_text(encoding="utf-8")))


def differences(documented: object, now: object, where: str = "") -> list[str]:
    """Return a line for each place in which two documents differ."""
    if isinstance(documented, dict) and isinstance(now, dict):
        keys = sorted(documented.keys() | now.keys())
        return [line for key in keys for line in differences(documented.get(key), now.get(key), f"{where}/{key}")]
    return [] if documented == now else [f"{where}: {str(documented)[:200]} | {str(now)[:200]}"]


def write_all(project: Path) -> list[Path]:
    """Start a cluster, ask each kind of daemon, and write what they answer; returns the files."""
    paths = []
    with playground(project, hives=1, workers_each=1) as world:
        for role in ROLES:
            path = project / FOLDER / f"{role}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(served(world, role), indent=2, sort_keys=True) + "\n", encoding="utf-8")
            paths.append(path)
    return paths
