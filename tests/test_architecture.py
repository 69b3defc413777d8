"""The arrows between the rooms of the code, read from every import by `ast`, those inside functions included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("beehave", "cluster", "daemons", "bugs", "steps")


@cache
def files() -> dict[str, Path]:
    """Return every module of the project by its dotted name; a package's own is that of its __init__.py."""
    found = {}
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, of the project's own; `from package import name` is the name's where
    that is a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name in files())
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    full = f"{module}.{alias.name}"
                    if full in files():
                        yield full
                    elif module in files():
                        yield module
            case ast.ImportFrom(level=level) if level:
                raise AssertionError(f"{path}:{node.lineno}: a relative import; write the whole name")


@cache
def arrows() -> dict[str, frozenset[str]]:
    """Return by module which others it imports."""
    return {name: frozenset(imported(path)) - {name} for name, path in files().items()}


def test_no_circle_between_files():
    TopologicalSorter(arrows()).prepare()  # raises CycleError, which names the files


GROUND = "addresses at_once command_line conditions errors families http identity journal output settings toml_writer"
KIT_GROUND = frozenset(f"beehave/{name}.py" for name in GROUND.split())
"""The kit's ground floor: it imports itself alone, and everything may import it."""
PLAN = """
sandbox
process: sandbox
net: sandbox
machine: net sandbox
daemon.py: process
daemons.py: daemon.py machine net process
faults: machine net process sandbox
world.py: daemons.py faults
load: daemons.py process
session.py: daemons.py machine process world.py
report
runner: machine process report sandbox session.py world.py
audit
child: audit faults process report sandbox session.py
proof: audit child daemons.py report session.py
progress: audit proof report session.py
cli.py: audit machine progress proof report sandbox session.py
__main__.py: cli.py
__init__.py: daemon.py daemons.py faults runner world.py
"""
"""By room of the kit, from the ground up, which others it may import; every one may import the ground floor.

Those of __init__.py are the public names, each imported when it is first used.
"""
KIT = {
    f"beehave/{room}": {f"beehave/{other}" for other in others.split()}
    for room, _, others in (line.partition(":") for line in PLAN.split("\n") if line)
}
PROJECT_PACKAGES = {
    "beehave": set(),
    "cluster": {"beehave"},
    "steps": {"beehave", "cluster"},
    "daemons": set(),
    "bugs": {"beehave", "daemons"},
}
"""By package, which others it may import."""
BEES = re.compile(r"\b(queen|hives?|workers?|leases?|inference|hub|heartbeats?)\b", re.IGNORECASE)
BEES_ALLOWED: frozenset[str] = frozenset()
"""Lines of the kit that may speak of this project's daemons, as `file: line`; at most ten."""


def room_of(name: str) -> str:
    """Return the folder of the kit that a module is in, or its file where it stands alone."""
    parts = files()[name].relative_to(PROJECT).parts
    return "/".join(parts[:2])


def test_each_package_imports_only_what_it_may():
    wrong = [
        f"{name} imports {other}"
        for name, others in arrows().items()
        for other in others
        if (mine := name.partition(".")[0]) != (theirs := other.partition(".")[0])
        and theirs not in PROJECT_PACKAGES[mine]
    ]
    assert wrong == []


def test_the_arrows_between_the_kits_rooms():
    wrong = set()
    for name, others in arrows().items():
        if name.partition(".")[0] != "beehave":
            continue
        room = room_of(name)
        assert room in KIT or room in KIT_GROUND, f"{room} is in no plan: add it here and to docs/architecture.md"
        allowed = KIT.get(room, set()) | KIT_GROUND | {room}
        wrong |= {f"{name} imports {other}" for other in others if room_of(other) not in allowed}
    assert sorted(wrong) == []


def test_no_room_is_planned_that_is_not_there():
    there = {room_of(name) for name in files() if name.partition(".")[0] == "beehave"}
    assert there == set(KIT) | KIT_GROUND


def test_the_kit_knows_no_bees():
    found = {
        f"{path.relative_to(PROJECT).as_posix()}: {line.strip()}"
        for path in (PROJECT / "beehave").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if BEES.search(line)
    }
    assert len(BEES_ALLOWED) <= 10
    assert found - BEES_ALLOWED == set()


@pytest.mark.parametrize("package", ["beehave", "cluster"])
def test_no_folder_is_crowded(package):
    folders = {path.parent for path in files().values() if path.is_relative_to(PROJECT / package)}
    crowded = {folder.name: count for folder in folders if (count := len(list(folder.glob("*.py")))) > 20}
    assert crowded == {}


def test_the_architecture_page_names_every_room_and_no_other():
    rooms = {
        folder.relative_to(PROJECT).as_posix() + "/"
        for package in ("beehave", "cluster", "daemons")
        for folder in {path.parent for path in files().values()}
        if folder.is_relative_to(PROJECT / package) and folder != PROJECT / package
    }
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:beehave|cluster|daemons)/[a-z_/]+/)`", text))
    assert named == rooms
