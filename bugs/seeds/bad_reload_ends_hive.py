"""SIGHUP with a file that is wrong is taken as a start with one: the log says why, and the hive ends.

Real: REAL_BUGS 35 (lavinmq #2080: SIGHUP with a bad file ends a healthy daemon). A sound file is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.config import ConfigError
from daemons.common.daemon import Daemon
from daemons.common.exits import ExitStatus, FatalError

ROLE = "hive"
PATCHES = "daemons.common.daemon:Daemon.reload"
CAUGHT_BY = ["features/processes/running.feature::SIGHUP with a bad file changes nothing"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """What is fatal at a start is fatal always."""

    async def reload(self: Daemon) -> None:
        await original(self)
        assert self._source is not None, "it was started with a file"
        try:
            self._source.load()
        except ConfigError as error:
            self.fail(FatalError(ExitStatus.CONFIGURATION, str(error)))

    return reload
