"""How long a pusher of leases waits from one push to the next; the pushes themselves are tested with its two users."""

from __future__ import annotations

import pytest

from daemons.common.lease_pusher import pause_ms


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, 1000), (1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (9999, 1000)]
)
def test_failures_are_repeated_soon_and_then_at_the_heartbeat(failures, pause):
    assert pause_ms(failures, 1000) == pytest.approx(pause)
