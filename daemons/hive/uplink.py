"""Leases to the queen: every heartbeat, and at once when something changed; each has the complete state."""

from __future__ import annotations

from daemons.common.client import Answer
from daemons.common.lease_pusher import LeasePusher
from daemons.common.logs import log
from daemons.common.wire import HiveLeaseAnswer


class Uplink(LeasePusher):
    """Pushes the hive's lease to the queen.

    An outage is one log line however long it lasts, with what to do; the hive continues to serve meanwhile. A queen
    that was restarted needs no special message: every lease is a complete registration.
    """

    fault: str | None = None
    """Why the queen did not accept the last lease, else None."""
    _queen_instance: str | None = None

    def _accepted(self, answer: Answer) -> None:
        accepted = HiveLeaseAnswer.model_validate(answer.json())
        if self.fault is not None:
            log.info("queen_reached_again")
        if accepted.queen_instance != self._queen_instance:
            log.info("registered", queen_instance=accepted.queen_instance, lease_ms=accepted.lease_ms)
        self.fault, self._queen_instance = None, accepted.queen_instance

    def _missed(self, fault: str, *, gone: bool) -> None:
        if self.fault is None:
            advice = (
                "a newer hive with this hive_id is registered, or this one was removed; stop one, or change its hive_id"
                if gone
                else "check that the queen runs and that queen.url is right; this hive continues to serve and to try"
            )
            log.warning("queen_unreachable" if not gone else "lease_refused", why=fault, advice=advice)
        self.fault = fault
