"""The share of the machine that other processes used during a measurement."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import psutil


class MachineUse:
    """Measures, from its creation on, the share of the machine's CPU time that went to other processes.

    Not counted are this process, the children that it has waited for (the generator is one) and the daemons, whose
    time the caller passes. On a machine whose busy times cannot be read the share is 0, and only the generator's lag
    can make a measurement inconclusive.
    """

    def __init__(self, daemons_cpu_s: Callable[[], float]) -> None:
        self._daemons_cpu_s = daemons_cpu_s
        self._began = time.monotonic()
        self._busy_s = _busy_s()
        self._own_s = _own_s()

    def others_share(self) -> float:
        """Return the share that others used so far, 0 to 1."""
        capacity_s = (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        ours_s = _own_s() - self._own_s + self._daemons_cpu_s()
        return others_share(busy_s=_busy_s() - self._busy_s, ours_s=ours_s, capacity_s=capacity_s)


def others_share(*, busy_s: float, ours_s: float, capacity_s: float) -> float:
    """Return the others' share of a machine that could have worked for `capacity_s` and did for `busy_s`."""
    if capacity_s <= 0:
        return 0.0
    return min(1.0, max(0.0, (busy_s - ours_s) / capacity_s))


def _busy_s() -> float:
    times = psutil.cpu_times()
    # `steal` is what the hypervisor took, so it is others' time too. Guest time is in `user` already.
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))


def _own_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
