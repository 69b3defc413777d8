"""`python -m bugs.launcher SEED ROLE -- <daemon flags>`: a daemon with one bug in it.

The seed is planted in the daemon's own process, and then the daemon's normal entry runs; the daemons know nothing of
it. behave drives it like any other implementation:

    behave -D daemon.hive="{python} -m bugs.launcher NAME hive --" FILE -n "SCENARIO"
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from typing import NoReturn

from bugs.seed import ROLES, SeedError, load
from daemons.common.signals import guard_start_up

USAGE = f"usage: python -m bugs.launcher SEED {{{'|'.join(ROLES)}}} -- [daemon flags]"
WRONG_SEED = 70
"""EX_SOFTWARE: no status of a daemon (docs/contract.md), so that nobody takes it for one."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Plant the seed and become the daemon; leaves with the daemon's status, or with 70 when the seed cannot grow."""
    if len(arguments) < 3 or arguments[1] not in ROLES or arguments[2] != "--":
        sys.exit(f"bugs: {USAGE}")
    name, role, _, *flags = arguments
    guard_start_up()  # as the daemon's entry does first: planting imports most of it
    try:
        load(name).plant(role)
    except SeedError as error:
        sys.stderr.write(f"bugs: {error}\n")
        sys.exit(WRONG_SEED)
    sys.argv = [f"daemons.{role}", *flags]
    runpy.run_module(f"daemons.{role}", run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
