"""The rule against killing by name, which also hits other processes of that name, such as those of another run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import Source

RULE = "kill-by-name"
RUNNERS = (
    "asyncio.create_subprocess_",
    "os.exec",
    "os.popen",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "subprocess.",
)
KILLERS = re.compile(r"(?:^|[\s/;&|(])(?:pkill|killall|skill|slay|taskkill)\b")
KILL_OF_NAME = re.compile(r"(?:^|[\s/;&|(])kill\b(?:\s+-\w+)*\s+(?!-)(?:\$\(|`|[A-Za-z])")
ENDS = frozenset({"kill", "terminate", "send_signal"})
BY_NAME = frozenset({"name", "cmdline", "exe"})


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each command that kills by name, and each search through all processes that kills some."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and source.dotted(node.func).startswith(RUNNERS):
            command = _command(node)
            if KILLERS.search(command) or KILL_OF_NAME.search(command):
                yield _fault(node.lineno)
    for function in source.functions():
        searches = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute | ast.Name) and source.dotted(node) == "psutil.process_iter"
        ]
        if searches and _looks_at_names(function) and _ends_processes(source, function):
            yield _fault(searches[0].lineno)


def _command(call: ast.Call) -> str:
    """Return the words of a command line, given as text or as a list."""
    words: list[str] = []
    waiting: list[ast.expr] = list(reversed(call.args))
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str(text)):
                words.append(text)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.JoinedStr(values=parts):
                waiting += reversed(parts)
            case ast.BinOp(left=left, right=right):
                waiting += [right, left]
    return " ".join(words)


def _looks_at_names(function: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in BY_NAME)
        or (isinstance(node, ast.Constant) and node.value in BY_NAME)
        for node in ast.walk(function)
    )


def _ends_processes(source: Source, function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and (node.attr in ENDS or source.dotted(node) == "os.kill")
        for node in ast.walk(function)
    )


def _fault(line: int) -> Fault:
    return Fault(
        RULE,
        line,
        "It ends processes by their name: whatever bears it, also what is not of this run.",
        "Signal through the driver: the process that was started, by PID and start time.",
    )
