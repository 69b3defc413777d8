"""Writing docs/openapi/ anew."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.commands.playground import playground
from cluster.full_stack.openapi_files import FOLDER, ROLES


def write_all(project: Path) -> list[Path]:
    """Start a cluster, ask each kind of daemon, and write what they answer; returns the files."""
    paths = []
    with playground(project, hives=1, workers_each=1) as world:
        for role in ROLES:
            path = project / FOLDER / f"{role}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(world.openapi_files.served(role), indent=2, sort_keys=True) + "\n", encoding="utf-8"
            )
            paths.append(path)
    return paths
