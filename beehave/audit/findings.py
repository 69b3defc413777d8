"""Findings of the source checks, and their output formats for people and programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

SARIF_VERSION = "2.1.0"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Format(StrEnum):
    """Output formats of findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"


@dataclass(frozen=True, order=True)
class Finding:
    """A problem, where it is, and how to fix it."""

    file: str
    """Relative to the project's folder."""
    line: int
    rule: str
    """A short name in kebab case: the same for the same kind of fault."""
    subject: str
    """The step's sentence, or the scenario's name."""
    why: str
    advice: str


def render(findings: Sequence[Finding], form: Format, *, tool: str) -> str:
    """Return all findings, in the order of files and lines; `tool` is the command that found them."""
    ordered = sorted(findings)
    match form:
        case Format.JSON:
            return json.dumps([asdict(each) for each in ordered], indent=2)
        case Format.SARIF:
            return json.dumps(_sarif(ordered, tool), indent=2)
        case Format.MARKDOWN:
            return _markdown(ordered, tool)
        case Format.TEXT:
            return _text(ordered, tool)


def _text(findings: Sequence[Finding], tool: str) -> str:
    lines = [
        f"{each.file}:{each.line}: {each.rule}: {each.subject}\n    {each.why}\n    {each.advice}" for each in findings
    ]
    return "\n".join([*lines, f"{tool}: {_count(findings)}"])


def _markdown(findings: Sequence[Finding], tool: str) -> str:
    head = [f"# {tool}: {_count(findings)}", ""]
    if findings:
        head += ["| where | rule | what | why | what to do |", "| --- | --- | --- | --- | --- |"]
    rows = [
        "| "
        + " | ".join(
            _cell(text) for text in (f"{each.file}:{each.line}", each.rule, each.subject, each.why, each.advice)
        )
        + " |"
        for each in findings
    ]
    return "\n".join([*head, *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _count(findings: Sequence[Finding]) -> str:
    return "nothing found" if not findings else f"{len(findings)} found"


def _sarif(findings: Sequence[Finding], tool: str) -> dict[str, object]:
    """SARIF 2.1.0 (OASIS): what code hosts and editors show beside the lines."""
    rules = sorted({each.rule for each in findings})
    results = [
        {
            "ruleId": each.rule,
            "level": "error",
            "message": {"text": f"{each.subject}: {each.why} {each.advice}"},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": each.file}, "region": {"startLine": each.line}}}
            ],
        }
        for each in findings
    ]
    driver = {"name": tool, "rules": [{"id": rule} for rule in rules]}
    return {
        "version": SARIF_VERSION,
        "$schema": SARIF_SCHEMA,
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
