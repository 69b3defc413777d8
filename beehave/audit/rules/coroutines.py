"""Rules for coroutines that never run: behave never awaits hooks, and a call without `await` only makes one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from beehave.audit.fault import Facts, Fault
from beehave.audit.source import Source

HOOK = "async-hook"
UNAWAITED = "never-awaited"
PREFIXES = ("before_", "after_")


def find(source: Source, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all rules have one shape
    """Yield a fault for each async hook, and for each call of an async function of the file that is thrown away.

    An `async def` step itself is fine: behave 1.3 runs it in an event loop of its own.
    """
    functions = source.top_functions.values()
    coroutines = {each.name for each in source.functions() if isinstance(each, ast.AsyncFunctionDef)}
    for function in functions:
        if isinstance(function, ast.AsyncFunctionDef) and function.name.startswith(PREFIXES):
            yield Fault(
                HOOK,
                function.lineno,
                f"behave calls {function.name} and never awaits it: nothing in it runs.",
                "Write a plain `def`, and `asyncio.run(...)` within it.",
            )
    for node in ast.walk(source.tree):
        match node:
            case (
                ast.Expr(value=ast.Call(func=ast.Name(id=name)))
                | ast.Assign(value=ast.Call(func=ast.Name(id=name)), targets=[ast.Name(id="_")])
            ) if name in coroutines:
                yield Fault(
                    UNAWAITED,
                    node.lineno,
                    f"{name}(...) makes a coroutine, which is thrown away: nothing in it runs.",
                    "Write `await` before it in an `async def` step, or hand it to `asyncio.run`.",
                )
