"""The OpenAPI files in docs/: what the daemons serve as their description, kept true by a scenario."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.cluster import Cluster
from cluster.history import History
from cluster.registry_view import RegistryView

FOLDER = Path("docs") / "openapi"
ROLES = ("queen", "hive", "worker")


@dataclass(frozen=True)
class Served:
    """The document that a daemon of a role serves."""

    role: str
    document: dict[str, Any]

    def __str__(self) -> str:
        """Return whose it is, and its paths."""
        return f"{self.role}: {', '.join(self.document.get('paths', {}))}"


class OpenAPIFiles:
    """Asks the daemons, and compares with docs/openapi/."""

    def __init__(self, cluster: Cluster, registry: RegistryView, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._history = history

    def ask(self, role: str) -> None:
        """Ask a running daemon of this role for its document."""
        self._history.keep(Served(role, self.served(role)))

    def differences(self, project: Path) -> tuple[str, list[str]]:
        """Return the role that was asked last, and the differences between its document and that in docs/openapi/.

        Each difference is a line (left: the file, right: served).
        """
        served = self._history.kept(Served, "asked a daemon for its OpenAPI document")
        found = differences(written(project, served.role), served.document)
        self._cluster.journal.observe("OpenAPI file", role=served.role, differences=found)
        return served.role, found

    def served(self, role: str) -> dict[str, Any]:
        """Return the OpenAPI document that a running daemon of this role serves."""
        match role:
            case "queen":
                client = self._cluster.queen.client
            case "hive":
                client = self._cluster.first_hive.client
            case _:
                client = self._registry.client_of(self._registry.first_row())
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
