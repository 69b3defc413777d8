"""Resource use of processes over time: memory, open files, threads and CPU, sampled, and whether it grows.

The slope is that of Theil and Sen: the median of the slopes between all pairs of samples. Memory moves in steps (an
arena, a buffer that doubled) and sometimes in peaks; least squares takes one step near the middle for growth over the
whole run, while a few outliers do not move the median. A steady leak looks the same to both.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from beehave.identity import Identity
from beehave.journal import Journal

SAMPLES_WANTED = 60
"""Samples in a run: 1,770 pairs for the median, which tolerates a quarter of the samples being outliers."""
INTERVAL_MIN_S = 0.2
"""Shortest interval: one look at seven processes costs about 2 ms, so 1 % of a core at most."""
JOIN_BOUND_S = 5.0
"""A look takes milliseconds; on a machine that hangs, the thread ends by itself later."""


@dataclass(frozen=True)
class Usage:
    """Resource use of one process at one moment."""

    at_s: float
    """Monotonic clock."""
    rss_bytes: int
    open_files: int
    threads: int
    cpu_s: float
    """User and system time since the process began."""


@dataclass(frozen=True)
class Load:
    """What was done to the processes while they were sampled."""

    requests: int
    in_flight_max: int


@dataclass(frozen=True)
class Limit:
    """How much one quantity may grow over a run before it counts as growth."""

    quantity: str
    """A field of `Usage`."""
    at_least: float
    """Allowed once, however short the run: the step size in which the quantity grows."""
    per_request: float = 0.0
    """Allowed for each request that was served."""
    per_request_in_flight: float = 0.0
    """Allowed for each request in flight: there were none at the start, and may be some at the end."""

    def bound(self, load: Load) -> float:
        """Return the growth that is allowed under this load."""
        return max(self.at_least, self.per_request * load.requests) + self.per_request_in_flight * load.in_flight_max


@dataclass(frozen=True)
class Trend:
    """How one quantity of one process moved over a run."""

    process: str
    quantity: str
    first: float
    last: float
    slope_per_s: float
    seconds: float
    bound: float
    """How much growth over the whole run is allowed."""
    samples: int

    @property
    def growth(self) -> float:
        """The slope over the whole run, in the quantity's unit."""
        return self.slope_per_s * self.seconds

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than the bound; shrinking is no leak."""
        return self.growth <= self.bound

    def __str__(self) -> str:
        """Return the trend as text."""
        return (
            f"{self.process}: {self.quantity} {self.first:.0f} -> {self.last:.0f}, slope {self.slope_per_s:.2f}/s over "
            f"{self.seconds:.1f} s = {self.growth:.1f} (bound {self.bound:.1f}, {self.samples} samples)"
        )


def slope_per_s(points: Sequence[tuple[float, float]]) -> float:
    """Return the median slope between all pairs of (seconds, value); 0 when no two differ in time."""
    slopes = [
        (later_value - value) / (later - at)
        for index, (at, value) in enumerate(points)
        for later, later_value in points[index + 1 :]
        if later != at
    ]
    return statistics.median(slopes) if slopes else 0.0


def trend(process: str, usages: Sequence[Usage], limit: Limit, load: Load) -> Trend:
    """Return how one quantity moved over all samples of a process.

    Raises:
        ValueError: there are fewer than two samples: a slope of nothing would be a flat one.
    """
    if len(usages) < 2:
        raise ValueError(f"{process}: {len(usages)} samples make no slope")
    points = [(usage.at_s, float(getattr(usage, limit.quantity))) for usage in usages]
    return Trend(
        process,
        limit.quantity,
        first=points[0][1],
        last=points[-1][1],
        slope_per_s=slope_per_s(points),
        seconds=points[-1][0] - points[0][0],
        bound=limit.bound(load),
        samples=len(points),
    )


def look(identity: Identity) -> Usage | None:
    """Return what a process uses now, None when it is dead: not yet reaped, or its PID already reused."""
    try:
        process = psutil.Process(identity.pid)
        with process.oneshot():
            memory, threads, cpu = process.memory_info(), process.num_threads(), process.cpu_times()
        usage = Usage(time.monotonic(), memory.rss, process.num_fds(), threads, cpu.user + cpu.system)
    except psutil.NoSuchProcess:
        return None
    return usage if identity.alive() else None  # psutil answers for a zombie too, with zeros, which would look flat


@dataclass
class Sampler:
    """Samples some processes periodically, in a thread of its own, until it is stopped."""

    journal: Journal
    processes: Mapping[str, Identity]
    """By a name for messages."""
    interval_s: float
    usages: dict[str, list[Usage]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Names of processes that were not there at one look at least."""
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @classmethod
    def over(cls, journal: Journal, processes: Mapping[str, Identity], *, seconds: float) -> Sampler:
        """Return a sampler, not yet started, for a load of about this duration."""
        return cls(journal, processes, max(INTERVAL_MIN_S, seconds / SAMPLES_WANTED))

    def start(self) -> None:
        """Take the first samples now and continue in the background."""
        self.look_once()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples; harmless when it is stopped already."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(JOIN_BOUND_S)

    def look_once(self) -> None:
        """Take one sample of each process."""
        for name, identity in self.processes.items():
            usage = look(identity)
            if usage is None:
                self.gone.add(name)
            else:
                self.usages.setdefault(name, []).append(usage)

    def trends(self, limits: Sequence[Limit], load: Load) -> list[Trend]:
        """Take a last sample and return how each quantity of each process moved, as an observation.

        Raises:
            AssertionError: a process was gone at one of the samples.
        """
        self.look_once()
        assert not self.gone, f"gone while it was sampled, so that nothing can be said of it: {sorted(self.gone)}"
        found = [trend(name, usages, limit, load) for name, usages in self.usages.items() for limit in limits]
        self.journal.observe("usage", trends=[str(one) for one in found])
        return found

    def cpu_s(self) -> float:
        """Return the CPU seconds that the processes used between their first and their last sample."""
        return sum(usages[-1].cpu_s - usages[0].cpu_s for usages in self.usages.values())

    def _run(self) -> None:
        while not self._ending.wait(self.interval_s):
            self.look_once()
