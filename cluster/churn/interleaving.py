"""Workers that come and go in a random order which can be had again: seeded, and checked after every change."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cluster.registry_view import RegistryView
from cluster.workers import Workers

MOST_WORKERS = 5
"""At once: enough for several stops to overlap, few enough to start quickly on two cores."""


@dataclass
class ChurnReport:
    """What one churn did."""

    seed: int
    changes: list[str] = field(default_factory=list)
    """Each change after which the three views agreed."""
    disagreement: str | None = None
    """What the views were after the change on which they did not come to agree; the churn ended there."""


def churn(workers: Workers, registry: RegistryView, *, changes: int, seed: int, within_s: float) -> ChurnReport:
    """Make `changes` random changes, and after each one wait until queen, hives and process table agree.

    A change is a spawn, a graceful stop, a forced stop, or a spawn and a stop in the same breath. When they do not
    agree in `within_s` after one, the churn ends and the report has what was seen: a `Then` judges it.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable order, not a secret
    report = ChurnReport(seed)
    living: list[str] = []
    done: list[str] = []
    try:
        for number in range(changes):
            stop = bool(living) and (len(living) >= MOST_WORKERS or chance.random() < 0.45)
            both = bool(living) and chance.random() < 0.15
            done = []
            if stop or both:
                victim = living.pop(chance.randrange(len(living)))
                force = chance.random() < 0.3
                workers.stop_at_once([victim], force=force)[0].expect(202)
                done.append(f"{'kill' if force else 'stop'} {victim}")
            if not stop or both:
                living += workers.ids_of(workers.spawn_at_once(1))
                done.append(f"spawn {living[-1]}")
            agreed = registry.wait_until_consistent(count=len(living), within_s=within_s)
            assert {worker.id for worker in agreed} == set(living), (
                f"the views agree on {sorted(worker.id for worker in agreed)}, but {sorted(living)} were asked for"
            )
            report.changes.append(f"{number + 1}: {', '.join(done)}")
    except AssertionError as error:
        report.disagreement = f"{error}\nafter: {', '.join(done)}"
    return report
