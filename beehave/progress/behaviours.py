"""The list of behaviours in docs/behaviours.md: what must hold, by family, and the scenarios that show it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from beehave.errors import HarnessError

BEHAVIOURS_FILE = Path("docs/behaviours.md")

_FAMILY = re.compile(r"## (?P<family>[A-Z]\d*) (?P<title>.+)")
_BEHAVIOUR = re.compile(r"- (?P<id>(?P<family>[A-Z]\d*)\.\d+) (?P<text>.+)")
_SCENARIO = re.compile(r"  - (?P<ticks>`+) ?(?P<name>.+?) ?(?P=ticks)")
"""A name stands between backticks, or double ones when it contains a backtick, as in Markdown."""


@dataclass(frozen=True)
class Behaviour:
    """One thing that must hold."""

    id: str
    """Its family and a number in it: `A4.3`."""
    family: str
    text: str
    scenarios: list[str] = field(default_factory=list)
    """Names as the feature files have them; an outline's name has its placeholders."""


@dataclass(frozen=True)
class BehaviourList:
    """All behaviours, and the titles of the families."""

    titles: dict[str, str]
    behaviours: list[Behaviour]


def read_behaviours(folder: Path) -> BehaviourList:
    """Return the behaviours of the project in `folder`.

    Raises:
        HarnessError: the file is missing, or one of its lines cannot be read.
    """
    path = folder / BEHAVIOURS_FILE
    if not path.is_file():
        raise HarnessError(f"there is no {BEHAVIOURS_FILE}: list there what must hold, one `- A1.1 ...` a line")
    return parse_behaviours(path.read_text(encoding="utf-8"))


def parse_behaviours(text: str) -> BehaviourList:
    """Return the behaviours that a Markdown text lists.

    Raises:
        HarnessError: an item has no known form, an id occurs twice, or is below another family's heading.
    """
    titles: dict[str, str] = {}
    behaviours: dict[str, Behaviour] = {}
    family = ""
    last: Behaviour | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{BEHAVIOURS_FILE}:{number}"
        if heading := _FAMILY.fullmatch(line):
            family, last = heading["family"], None
            titles[family] = heading["title"]
        elif item := _BEHAVIOUR.fullmatch(line):
            if item["family"] != family or item["id"] in behaviours:
                raise HarnessError(f"{where}: {item['id']} is listed already, or stands below the heading of {family}")
            last = behaviours[item["id"]] = Behaviour(item["id"], family, item["text"])
        elif (name := _SCENARIO.fullmatch(line)) and last is not None:
            last.scenarios.append(name["name"])
        elif line.lstrip().startswith("- "):
            raise HarnessError(f"{where}: expected `- A1.1 what holds`, or below it `  - ` and a scenario: {line}")
    return BehaviourList(titles, list(behaviours.values()))
