"""`python -m bugs.launcher SEED ROLE -- <arguments>`: a daemon, or a run of behave, with one bug in it.

The seed is planted in the very process, and then the normal entry runs; the daemons know nothing of it. behave drives
it like any other implementation:

    behave -D daemon.hive="{python} -m bugs.launcher NAME hive --" FILE -n "SCENARIO"

The role `harness` stands in for the interpreter of the child runs of behave that features/harness starts; its
arguments are the interpreter's, `-m behave ...` or `program.py ...`. The sandbox forks and never executes anew, so the
seed is also in the process that runs the scenarios:

    behave -D child.python="{python} -m bugs.launcher NAME harness --" FILE -n "SCENARIO"
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from typing import NoReturn

from bugs.seed import HARNESS, ROLES, SeedError, load
from daemons.common.signals import guard_start_up

USAGE = f"usage: python -m bugs.launcher SEED {{{'|'.join(ROLES)}}} -- [arguments]"
WRONG_SEED = 70
"""EX_SOFTWARE: no status of a daemon (docs/contract.md), so it cannot be taken for one."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Plant the seed and become the program; leaves with its status, or with 70 when the seed cannot grow."""
    if len(arguments) < 3 or arguments[1] not in ROLES or arguments[2] != "--":
        sys.exit(f"bugs: {USAGE}")
    name, role, _, *flags = arguments
    if role != HARNESS:
        guard_start_up()  # as the daemon's entry does first: planting imports most of it
    try:
        load(name).plant(role)
    except SeedError as error:
        sys.stderr.write(f"bugs: {error}\n")
        sys.exit(WRONG_SEED)
    if role != HARNESS:
        flags = ["-m", f"daemons.{role}", *flags]
    become(flags)


def become(arguments: Sequence[str]) -> NoReturn:
    """Go on as `python <arguments>` would, in this process: `-m module ...` or `program.py ...`."""
    if arguments and arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        runpy.run_path(arguments[0], run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
