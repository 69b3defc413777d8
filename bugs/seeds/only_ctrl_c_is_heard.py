"""The launcher hands SIGINT on, and nothing else: at SIGTERM and SIGHUP the run goes on as if none had come.

Real: the predecessor, which handled SIGINT alone.
"""

from __future__ import annotations

import signal

ROLE = "harness"
PATCHES = "harness.sandbox.launcher:FORWARDED"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::SIGTERM to the launcher, in namespaces",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """One of four."""
    return (signal.SIGINT,)
