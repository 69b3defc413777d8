"""The list of all scenarios: a scenario can vanish only together with its line there."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from beehave.audit.project import load_project, scenario_id

MANIFEST_FILE = Path("features/manifest.txt")
WRITE = "`beehave progress --write-manifest`"


def write_manifest(folder: Path) -> None:
    """List the scenarios of the project in `folder`, one a line, sorted.

    Raises:
        HarnessError: the project cannot be loaded.
    """
    scenarios = {scenario_id(each.filename, each.name) for each in load_project(folder).scenarios()}
    (folder / MANIFEST_FILE).write_text("".join(f"{each}\n" for each in sorted(scenarios)), encoding="utf-8")


def manifest_problems(folder: Path, scenarios: Collection[str]) -> list[str]:
    """Return a sentence for each scenario that is listed and does not exist, or exists and is not listed."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return [f"there is no {MANIFEST_FILE}: write it with {WRITE}, and commit it"]
    listed = {line for line in path.read_text(encoding="utf-8").splitlines() if line}
    gone = [
        f"{each}: this scenario has vanished: bring it back, or, when it was renamed or is not wanted any more, "
        f"write the manifest anew with {WRITE} and say why in the commit"
        for each in sorted(listed - set(scenarios))
    ]
    new = [
        f"{each}: this scenario is not in {MANIFEST_FILE}: add it with {WRITE}"
        for each in sorted(set(scenarios) - listed)
    ]
    return gone + new
