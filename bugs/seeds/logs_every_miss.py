"""A hive whose queen is away writes a log line at every try, for as long as the outage lasts.

Imagined. Must be noticed where it has to say so once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink._missed"
CAUGHT_BY = ["features/processes/start_up.feature::A hive that cannot reach its queen goes on, and says so once"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Each miss is the first."""

    def _missed(self: Uplink, fault: str, *, gone: bool) -> None:
        self.fault = None
        original(self, fault, gone=gone)

    return _missed
