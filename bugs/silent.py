"""`python -m bugs.silent ROLE -- <daemon flags>`: a daemon that freezes once it has said that it is ready."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bugs.launcher import become
from bugs.seed import DAEMONS
from daemons.common import health
from daemons.common.signals import guard_start_up

ANSWER_S = 0.05
"""From the answer being made to the stop: time for it to be sent."""


def freezing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Answer once, and stop: SIGSTOP, as by a debugger or a machine out of memory."""

    def health_of(daemon: Any) -> Any:
        asyncio.get_running_loop().call_later(ANSWER_S, os.kill, os.getpid(), signal.SIGSTOP)
        return original(daemon)

    return health_of


def main(arguments: Sequence[str]) -> None:
    """Become the daemon, to freeze soon."""
    if len(arguments) < 2 or arguments[0] not in DAEMONS or arguments[1] != "--":
        sys.exit(f"usage: python -m bugs.silent {{{'|'.join(DAEMONS)}}} -- [daemon flags]")
    role, _, *flags = arguments
    guard_start_up()
    health.health_of = freezing(health.health_of)
    become(["-m", f"daemons.{role}", *flags])


if __name__ == "__main__":
    main(sys.argv[1:])
