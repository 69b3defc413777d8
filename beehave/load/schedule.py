"""The schedule of a load: the time of each send, decided before the first one."""

from __future__ import annotations

import random
from itertools import accumulate

from beehave.load.plan import Pace


def send_offsets(pace: Pace, *, rate_per_s: float, count: int, seed: int) -> list[float]:
    """Return the time of each send, in seconds after the start, in ascending order.

    Constant: one each `1 / rate_per_s`, the first at once. Poisson: intervals drawn from the exponential distribution
    with that mean, by a random generator of its own, so that the same seed gives the same schedule anywhere.

    Raises:
        ValueError: a closed loop has no schedule.
    """
    if pace is Pace.CONSTANT:
        return [number / rate_per_s for number in range(count)]
    if pace is Pace.POISSON:
        draw = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        return list(accumulate(draw.expovariate(rate_per_s) for _ in range(count)))
    raise ValueError("a closed loop has no schedule: each request leaves after the answer to the one before")
