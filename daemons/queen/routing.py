"""Which worker serves the next request: a pure choice over what the registry knows.

Hives share the work first, workers within a hive second: the hive with the smallest part of its slots in use is
taken, of equals the one that was used longest ago, and within it the same rule picks the worker. Ten requests over
two hives with two workers each thus split five to five, whether they come one by one or all at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Blocked(StrEnum):
    """Why a worker is not routable; the first that holds, in this order."""

    HIVE_UNAVAILABLE = "hive_unavailable"
    HIVE_SUSPECT = "hive_suspect"
    HIVE_DRAINING = "hive_draining"
    HIVE_MARKED_DOWN = "hive_marked_down"
    NOT_LEASED = "not_leased"  # known from the database or an answer, not from a lease of its hive's instance
    WORKER_NOT_READY = "worker_not_ready"
    WORKER_DRAINING = "worker_draining"
    WORKER_FAILED = "worker_failed"
    WORKER_UNHEALTHY = "worker_unhealthy"
    WORKER_MARKED_DOWN = "worker_marked_down"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One worker that has the wanted model, as routing sees it."""

    worker_id: str
    instance: str
    hive_id: str
    slots_total: int
    load: int  # slots in use: by the queen's own requests and by others
    blocked: Blocked | None = None
    last_used: int = 0  # turn of its last request; 0: never
    hive_last_used: int = 0

    @property
    def free(self) -> bool:
        """Routable, with a slot free."""
        return self.blocked is None and self.load < self.slots_total


class RefusalKind(StrEnum):
    """Why no worker was chosen."""

    UNKNOWN_MODEL = "unknown_model"  # no hive and no worker has it
    NONE_ROUTABLE = "none_routable"  # known, but no worker of it can serve now
    ALL_BUSY = "all_busy"  # routable workers, no free slot


@dataclass(frozen=True, slots=True)
class Refusal:
    """No worker, and why: how many workers of the model are blocked for which reason."""

    kind: RefusalKind
    workers: int
    blocked: Mapping[str, int]
    slots_total: int = 0


def choose(
    candidates: Iterable[Candidate], *, model_known: bool = True, avoid: Collection[str] = ()
) -> Candidate | Refusal:
    """Return the worker for the next request, or why there is none.

    candidates: every worker of the model. model_known: some hive has the model, even if no worker runs it.
    avoid: worker ids that already failed this request; they are not tried again.
    """
    everyone = [each for each in candidates if each.worker_id not in avoid]
    if not everyone and not model_known:
        return Refusal(RefusalKind.UNKNOWN_MODEL, 0, {})
    routable = [each for each in everyone if each.blocked is None]
    if not routable:
        reasons = Counter(each.blocked.value for each in everyone if each.blocked is not None)
        return Refusal(RefusalKind.NONE_ROUTABLE, len(everyone), dict(reasons))
    free = [each for each in routable if each.free]
    if not free:
        slots_total = sum(each.slots_total for each in routable)
        return Refusal(RefusalKind.ALL_BUSY, len(everyone), {}, slots_total)
    fractions = _hive_fractions(routable)
    return min(
        free,
        key=lambda each: (
            fractions[each.hive_id],
            each.hive_last_used,
            each.hive_id,
            each.load / each.slots_total,
            each.last_used,
            each.worker_id,
        ),
    )


def _hive_fractions(routable: Iterable[Candidate]) -> dict[str, float]:
    """Return the part of each hive's slots for this model that is in use, full workers included."""
    load: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for each in routable:
        load[each.hive_id] += each.load
        slots[each.hive_id] += each.slots_total
    return {hive_id: load[hive_id] / max(1, slots[hive_id]) for hive_id in slots}


@dataclass(frozen=True, slots=True)
class SpawnSite:
    """A hive that could run one more worker."""

    hive_id: str
    usable: bool  # available, not draining, not marked down
    has_model: bool
    workers: int  # rows, and spawn requests under way


def choose_spawn_site(sites: Iterable[SpawnSite]) -> SpawnSite | None:
    """Return the hive for a new worker; None: no hive is usable.

    One that has the model before one that must pull it, then the one with the fewest workers, then by name.
    """
    usable = [each for each in sites if each.usable]
    return min(usable, key=lambda each: (not each.has_model, each.workers, each.hive_id), default=None)
