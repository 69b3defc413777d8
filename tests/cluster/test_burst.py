"""Whether a burst was one: all had sent before any was served."""

from __future__ import annotations

import pytest

from cluster.concurrency.burst import in_one_instant


@pytest.mark.parametrize(
    ("sent_at", "served_at", "together"),
    [
        pytest.param([1.0, 1.1], [1.2, 1.3], True, id="sent before the first end"),
        pytest.param([1.0, 1.2], [1.1, 1.3], False, id="one was served before the last sent"),
        pytest.param([1.0, 1.2], [1.2, 1.3], False, id="in the very moment is too late"),
        pytest.param([1.0, 1.2], [], True, id="nobody was served"),
        pytest.param([1.0, 1.2], [None], True, id="an end that nobody saw"),
    ],
)
def test_a_burst_has_sent_before_the_first_is_served(sent_at, served_at, together):
    assert in_one_instant(sent_at, served_at) is together
