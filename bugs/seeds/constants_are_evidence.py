"""`assert True` counts as an assertion.

Real: the predecessor, in which a step could be made to count by a line that says nothing.
"""

from __future__ import annotations

import ast

ROLE = "harness"
PATCHES = "harness.evidence:assert_lines"
CAUGHT_BY = [
    "features/harness/evidence.feature::Every kind of Then",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Every `assert` there is."""

    def assert_lines(source: str) -> frozenset[int]:
        return frozenset(node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))

    return assert_lines
