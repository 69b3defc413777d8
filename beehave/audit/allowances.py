"""Inline exceptions: `# stubs: allow <rule>: <reason>`, on the line, on its own line above, or at the step's `def`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass

from beehave.audit.fault import Fault
from beehave.audit.source import Source, first_line

WITHOUT_REASON = "exception-without-reason"
UNUSED = "unused-exception"
FORM = re.compile(r"#\s*stubs:\s*allow\b\s*(?P<rule>[\w-]*)\s*(?::\s*(?P<reason>.*\S))?")


@dataclass(frozen=True)
class Allowance:
    """One exception."""

    line: int
    """The line of the comment."""
    applies_to: int
    """The line of code that it excepts."""
    rule: str
    reason: str


def allowances(source: Source) -> list[Allowance]:
    """Return the exceptions of a file; one without a reason has an empty one."""
    found = []
    lines = source.text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and (match := FORM.search(token.string)):
            line = token.start[0]
            alone = not lines[line - 1][: token.start[1]].strip()
            applies_to = _next_code_line(lines, line) if alone else line
            found.append(Allowance(line, applies_to, match["rule"], match["reason"] or ""))
    return found


def judged(source: Source, faults: Iterable[Fault]) -> list[Fault]:
    """Remove excepted faults, and add a fault for each exception that has no reason or excepts nothing."""
    known = allowances(source)
    used: set[Allowance] = set()
    left = []
    for fault in faults:
        excepting = [each for each in known if each.rule == fault.rule and _covers(source, each, fault.line)]
        used |= set(excepting)
        # An exception without a reason does not except: both it and the fault are reported.
        if not any(each.reason for each in excepting):
            left.append(fault)
    for each in known:
        if not each.reason:
            left.append(
                Fault(
                    WITHOUT_REASON,
                    each.line,
                    "An exception from a rule without a reason is a rule switched off.",
                    "Write `# stubs: allow <rule>: <reason>`.",
                )
            )
        if each not in used:
            left.append(
                Fault(
                    UNUSED,
                    each.line,
                    f"Nothing here breaks the rule {each.rule!r}.",
                    "Delete the comment, or give the rule by the name that findings show.",
                )
            )
    return left


def _covers(source: Source, allowance: Allowance, line: int) -> bool:
    if allowance.applies_to == line:
        return True
    function = source.function_around(line)
    return function is not None and first_line(function) <= allowance.applies_to < function.body[0].lineno


def _next_code_line(lines: list[str], line: int) -> int:
    for number, text in enumerate(lines[line:], line + 1):
        if text.strip() and not text.strip().startswith("#"):
            return number
    return line
