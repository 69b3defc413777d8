"""SIGHUP with a file that is wrong in one place is refused, and what is right in it is applied all the same.

Real: REAL_BUGS 35 (lavinmq #2080: a bad file is applied by half). Nobody sees it before the next spawn.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

from daemons.common.config import ConfigError
from daemons.hive.hive import Hive

ROLE = "hive"
PATCHES = "daemons.common.daemon:Daemon.reload"
CAUGHT_BY = ["features/processes/running.feature::SIGHUP with a bad file changes nothing"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The defaults of the next spawn, as far as they can be read."""

    async def reload(self: Hive) -> None:
        await original(self)
        assert self._source is not None, "it was started with a file"
        assert self._source.path is not None, "it was started with a file"
        try:
            self._source.load()
        except ConfigError:
            table = tomllib.loads(self._source.path.read_text(encoding="utf-8"))["worker"]
            worker = self._hive_config.worker.model_copy(update={"slots": table["slots"]})
            await self.apply_config(self._hive_config.model_copy(update={"worker": worker}), ["worker.slots"])

    return reload
