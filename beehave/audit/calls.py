"""Classification of calls by name alone: log output, pure computation, or a look at the world."""

from __future__ import annotations

import ast
import builtins
import re

from beehave.audit.source import Source, chain

PURE_MODULES = frozenset(
    [
        "base64",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "itertools",
        "json",
        "math",
        "operator",
        "random",
        "re",
        "secrets",
        "signal",
        "statistics",
        "string",
        "textwrap",
        "time",
        "tomllib",
        "types",
        "typing",
        "uuid",
    ]
)
"""Modules of the standard library that cannot observe the product; random numbers and the clock are no evidence."""

PURE_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) - {"open", "input", "__import__"}

PURE_METHODS = frozenset(
    name for kind in (str, bytes, int, float, list, tuple, dict, set, frozenset) for name in dir(kind)
) | {"total_seconds", "as_posix", "group", "groups"}
"""Methods of plain values; called on an observed value they return an observed value."""

LOG_METHODS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "msg"})
LOG_CALLS = frozenset({"print", "pprint.pprint", "sys.stdout.write", "sys.stderr.write", "warnings.warn"})
JOURNAL_METHODS = frozenset({"record", "observe", "checked"})
SKIPS = frozenset({"skip", "mark_skipped"})


def is_log_call(source: Source, call: ast.Call) -> bool:
    """Return whether a call only outputs something: prints, logs, attaches, notes in the journal, marks skipped."""
    dotted = source.dotted(call.func)
    if dotted in LOG_CALLS or dotted.startswith(("logging.", "structlog.")):
        return True
    if not isinstance(call.func, ast.Attribute):
        return False
    method, receiver = call.func.attr, call.func.value
    holder = (chain(receiver) or [ast.unparse(receiver)])[-1].strip("_").lower()
    return (
        (method in LOG_METHODS and re.search(r"log(ger|ging)?\b|log\(|logger\(", holder) is not None)
        or (method in JOURNAL_METHODS and holder == "journal")
        or (method == "attach" and holder in {"context", "ctx"})
        or (method in SKIPS and holder in {"scenario", "feature", "step"})
    )


def is_pure_name(source: Source, function: ast.expr) -> bool:
    """Return whether a called name is a pure builtin, or from a module that only computes."""
    dotted = source.dotted(function)
    return dotted in PURE_BUILTINS or (dotted.split(".")[0] in PURE_MODULES and "." in dotted)
