"""Simultaneous requests: threads behind one barrier, with the time of each send in the journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from beehave.errors import HarnessError
from beehave.journal import Journal

Result = TypeVar("Result")

BARRIER_TIMEOUT_S = 10.0
"""How long the threads wait for each other; starting a hundred of them takes a few milliseconds."""


def all_at_once(
    journal: Journal, what: str, actions: Sequence[Callable[[], Result]], *, within_s: float = 60.0
) -> list[Result]:
    """Run all actions at the same moment and return their results in the given order.

    Raises:
        HarnessError: an action is still running after `within_s`.
        Exception: the first exception that an action raised, as it was.
    """
    barrier = threading.Barrier(len(actions))
    results: dict[int, Result] = {}
    failures: dict[int, BaseException] = {}
    sent: dict[int, float] = {}

    def client(index: int) -> None:
        try:
            barrier.wait(BARRIER_TIMEOUT_S)
            sent[index] = time.monotonic()
            results[index] = actions[index]()
        except BaseException as error:  # noqa: BLE001 - handed to the caller below, never swallowed
            failures[index] = error

    # Daemon threads: one that hangs in its action must not keep the run from ending.
    threads = [threading.Thread(target=client, args=(index,), daemon=True) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if sent:
        first = min(sent.values())
        spread = {index: round((at - first) * 1000, 3) for index, at in sorted(sent.items())}
        journal.record("request", what=what, clients=len(actions), sent_after_first_ms=spread)
    # Before the check for missing results: a client that failed has none, and its error says more.
    for index in sorted(failures):
        raise failures[index]
    if len(results) < len(actions):
        raise HarnessError(
            f"{what}: {len(actions) - len(results)} of {len(actions)} clients still wait after {within_s} s"
        )
    return [results[index] for index in range(len(actions))]
