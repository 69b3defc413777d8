"""The findings of rules, and what rules know of the project."""

from __future__ import annotations

from dataclasses import dataclass

from beehave.audit.code import Code
from beehave.audit.evidence import Written


@dataclass(frozen=True)
class Fault:
    """A problem on one line."""

    rule: str
    line: int
    why: str
    advice: str


@dataclass(frozen=True)
class Facts:
    """What is known of the project beyond the file under check."""

    code: Code
    written: Written
    read_from_context: frozenset[str]
    """Attributes of `context` that some step reads."""
