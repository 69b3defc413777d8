"""The entry point of every daemon: guards the signals, imports and runs the rest, and exits with its status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from daemons.common.exits import ExitStatus, FatalError
from daemons.common.signals import guard_start_up
from daemons.common.version import VERSION

if TYPE_CHECKING:
    from daemons.common.daemon import Daemon

_USAGE = """usage: python -m daemons.{role} [--config FILE] [--section.key VALUE ...]

Values come from the TOML file, then from {prefix}_SECTION__KEY in the environment, then from the flags; the last wins.
Signals: SIGTERM and SIGINT stop with a drain, a second one ends at once, SIGHUP reads the configuration again.
Exit: 0 stopped, 1 internal error, 2 usage or configuration, 3 cannot listen, 4 model file, 5 data, 6 orphaned worker,
7 device out of memory.
"""


def main(role: str, build: Callable[[Sequence[str]], Daemon], argv: Sequence[str] | None = None) -> NoReturn:
    """Build and run a daemon, and end the process with its exit status.

    Args:
        role: queen, hive or worker: the first word of every last line.
        build: makes the daemon from the flags, importing what it needs; may raise FatalError.
        argv: the flags; those of the process when None.
    """
    guard_start_up()
    _occupy_standard_descriptors()
    gc.disable()  # until the run loop freezes the imported objects: collecting them takes an eighth of the start-up
    flags = sys.argv[1:] if argv is None else list(argv)
    if "--help" in flags or "-h" in flags:
        sys.stdout.write(_USAGE.format(role=role, prefix=role.upper()))
        sys.exit(0)
    if "--version" in flags:
        sys.stdout.write(f"{role} {VERSION}\n")
        sys.exit(0)
    sys.exit(_run(role, build, flags))


def _occupy_standard_descriptors() -> None:
    """Put /dev/null where stdin, stdout or stderr are closed (`2>&-`, some supervisors).

    Otherwise the next socket gets the number 2, every log line is written into it, and the event loop crashes.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one: those below it are in use by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 the signature is os'


def _run(role: str, build: Callable[[Sequence[str]], Daemon], flags: Sequence[str]) -> ExitStatus:
    from daemons.common.logs import log, say

    try:
        daemon = build(flags)
        from daemons.common.serve import run

        return run(daemon)
    except FatalError as error:
        say(f"{role}: {error.message}")
        return error.status
    except Exception as error:  # noqa: BLE001 the last resort: a line with the traceback in the log, and the status
        log.error("internal_error", exc_info=error)
        return ExitStatus.INTERNAL
