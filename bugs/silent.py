"""`python -m bugs.silent ROLE -- <flags>`: a daemon that freezes once it is ready, or where it would end before."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from fastapi.responses import JSONResponse

from bugs.launcher import become
from bugs.seed import DAEMONS
from daemons.common import routes_health
from daemons.common.signals import guard_start_up


class LastAnswer(JSONResponse):
    """An answer after which the process stops, as by a debugger: SIGSTOP, once the kernel has the answer's bytes."""

    async def __call__(self, *arguments: Any) -> None:
        """Send, and stop."""
        await super().__call__(*arguments)
        os.kill(os.getpid(), signal.SIGSTOP)


def main(arguments: Sequence[str]) -> None:
    """Become the daemon, to freeze soon."""
    if len(arguments) < 2 or arguments[0] not in DAEMONS or arguments[1] != "--":
        sys.exit(f"usage: python -m bugs.silent {{{'|'.join(DAEMONS)}}} -- [daemon flags]")
    role, _, *flags = arguments
    guard_start_up()
    vars(routes_health)["JSONResponse"] = LastAnswer  # what /health and /ready answer by
    try:
        become(["-m", f"daemons.{role}", *flags])
    finally:
        os.kill(os.getpid(), signal.SIGSTOP)  # an end, too, would say something


if __name__ == "__main__":
    main(sys.argv[1:])
