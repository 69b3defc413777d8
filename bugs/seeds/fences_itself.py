"""A hive that loses its queen stops its workers, so that no two clusters ever have them.

Imagined (fencing, for a product that does not want it). All comes to an agreement, on nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink
from daemons.hive.workers.states import Reason

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink._missed"
CAUGHT_BY = ["features/integration/recovery.feature::A queen that was killed and started again finds everybody"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Stop them all at the first fault."""

    def _missed(self: Uplink, fault: str, *, gone: bool) -> None:
        if self.fault is None:
            for supervisor in self._picture.__self__.roster:  # type: ignore[attr-defined]
                supervisor.ask_stop(Reason.STOP_ASKED, force=False)
        original(self, fault, gone=gone)

    return _missed
