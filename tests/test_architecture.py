"""The arrows between the rooms of the code, read from every import by `ast`, those inside functions included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
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


def circles() -> list[list[str]]:
    """Return every strongly connected set of more than one module (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in arrows()[name]:
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            ring = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(ring) > 1:
                found.append(sorted(ring))

    for name in arrows():
        if name not in number:
            visit(name)
    return found


def test_no_circle_between_files():
    assert circles() == []


KIT_GROUND = frozenset(
    f"beehave/{name}.py"
    for name in (
        "addresses",
        "at_once",
        "command_line",
        "conditions",
        "errors",
        "families",
        "http",
        "identity",
        "journal",
        "output",
        "settings",
        "toml_writer",
    )
)
"""The kit's ground floor: it imports itself alone, and everything may import it."""
KIT = {
    "beehave/sandbox": set(),
    "beehave/process": {"beehave/sandbox"},
    "beehave/net": {"beehave/sandbox"},
    "beehave/machine": {"beehave/sandbox", "beehave/net"},
    "beehave/daemon.py": {"beehave/process"},
    "beehave/daemons.py": {"beehave/daemon.py", "beehave/process", "beehave/net", "beehave/machine"},
    "beehave/faults": {"beehave/process", "beehave/net", "beehave/machine", "beehave/sandbox"},
    "beehave/world.py": {"beehave/daemons.py", "beehave/faults"},
    "beehave/load": {"beehave/daemons.py", "beehave/process"},
    "beehave/session.py": {"beehave/daemons.py", "beehave/machine", "beehave/process", "beehave/world.py"},
    "beehave/report": set(),
    "beehave/runner": {
        "beehave/machine",
        "beehave/process",
        "beehave/report",
        "beehave/sandbox",
        "beehave/session.py",
        "beehave/world.py",
    },
    "beehave/audit": set(),
    "beehave/child": {
        "beehave/audit",
        "beehave/faults",
        "beehave/process",
        "beehave/report",
        "beehave/sandbox",
        "beehave/session.py",
    },
    "beehave/proof": {
        "beehave/audit",
        "beehave/child",
        "beehave/daemons.py",
        "beehave/report",
        "beehave/session.py",
    },
    "beehave/progress": {"beehave/audit", "beehave/proof", "beehave/report", "beehave/session.py"},
    "beehave/cli.py": {
        "beehave/audit",
        "beehave/machine",
        "beehave/progress",
        "beehave/proof",
        "beehave/report",
        "beehave/sandbox",
        "beehave/session.py",
    },
    "beehave/__main__.py": {"beehave/cli.py"},
    "beehave/__init__.py": {  # the public names, each imported when it is first used
        "beehave/daemon.py",
        "beehave/daemons.py",
        "beehave/faults",
        "beehave/runner",
        "beehave/world.py",
    },
}
"""By room of the kit, from the ground up, which others it may import; every one may import the ground floor."""
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
