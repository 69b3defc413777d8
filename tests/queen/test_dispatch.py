"""What an attempt teaches: who is marked down, who is marked up, and that the slot always comes back."""

from __future__ import annotations

import pytest

from daemons.common.client import PeerFault
from daemons.common.completions import CompletionRequest
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.metrics import Metrics
from daemons.common.targets import Attempt, Verdict
from daemons.queen.cluster import Cluster
from daemons.queen.dispatch import Dispatcher
from daemons.queen.leases import LeaseRules

pytestmark = pytest.mark.anyio

RULES = LeaseRules(heartbeat_s=5, lease_s=15, probe_strikes=3, orphan_grace_s=30)
REQUEST = CompletionRequest(model="tiny:1b", prompt="x")


@pytest.fixture
def cluster(clock, say):
    made = Cluster(RULES, mark_down_s=2, clock=clock)
    made.registry.lease("h1", say.lease(say.row("a1")))
    made.registry.lease("h2", say.lease(say.row("b1"), instance="hive-2"))
    return made


@pytest.fixture
def dispatcher(cluster):
    return Dispatcher(cluster, Metrics("queen"), queue_limit=0)


def blocked(cluster, worker_id="a1"):
    reason = cluster.blocked(cluster.registry.worker(worker_id))
    return reason.value if reason else None


LOST = ErrorCode.HIVE_UNREACHABLE
TEACHES = [
    (Attempt(Verdict.SERVED), None),
    (Attempt(Verdict.ENDED), None),
    (Attempt(Verdict.UNREACHABLE, LOST, PeerFault.REFUSED), "hive_marked_down"),
    (Attempt(Verdict.UNREACHABLE, LOST, PeerFault.LOST), "hive_marked_down"),
    (Attempt(Verdict.UNREACHABLE, LOST, PeerFault.TIMED_OUT), "hive_marked_down"),
    (Attempt(Verdict.BROKE, LOST, PeerFault.LOST), "hive_marked_down"),
    (Attempt(Verdict.UNREACHABLE, LOST, PeerFault.UNREADABLE), "worker_marked_down"),
    (Attempt(Verdict.BROKE, ErrorCode.STALLED, PeerFault.TIMED_OUT), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.WORKER_LOST), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.WORKER_NOT_FOUND), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.DRAINING), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.STALLED), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.OUT_OF_MEMORY), "worker_marked_down"),
    (Attempt(Verdict.REFUSED, ErrorCode.BUSY), None),
    (Attempt(Verdict.REFUSED, ErrorCode.BAD_REQUEST), None),
    (Attempt(Verdict.REFUSED, ErrorCode.VALIDATION_FAILED), None),
    (Attempt(Verdict.REFUSED, ErrorCode.DUPLICATE_REQUEST), None),
    (Attempt(Verdict.REFUSED, ErrorCode.CANCELLED), None),
    (Attempt(Verdict.REFUSED, ErrorCode.DEADLINE_EXCEEDED), None),
    (Attempt(Verdict.REFUSED, None), None),
]


@pytest.mark.parametrize(("attempt", "expected"), TEACHES, ids=str)
async def test_what_an_attempt_teaches(dispatcher, cluster, attempt, expected):
    route = dispatcher.route(REQUEST, {"path": "/v1/completions"})
    target = await route.pick()
    assert (target.label, target.headers) == ("a1", {"x-worker-id": "a1"})
    assert target.url == "http://127.1.1.1:9200/v1/completions"
    assert cluster.ledger.own("a1", "i1") == 1
    route.release(target, attempt)
    assert cluster.ledger.own("a1", "i1") == 0
    assert blocked(cluster) == expected


async def test_a_late_failure_of_an_old_instance_does_not_touch_its_successor(dispatcher, cluster, say):
    for verdict, code in ((Verdict.UNREACHABLE, LOST), (Verdict.REFUSED, ErrorCode.WORKER_LOST)):
        route = dispatcher.route(REQUEST, {"path": "/v1/completions"})
        target = await route.pick()
        name = target.label
        hive_id = cluster.registry.worker(name).hive_id
        cluster.registry.lease(hive_id, say.lease(say.row(name, instance="i2"), instance=f"{hive_id}-again"))
        route.release(target, Attempt(verdict, code, PeerFault.REFUSED))
        assert blocked(cluster, name) is None
        assert cluster.ledger.load(name, "i2") == 0


async def test_a_second_pick_goes_elsewhere_and_counts_as_a_retry(dispatcher, cluster):
    route = dispatcher.route(REQUEST, {"path": "/v1/completions"})
    first = await route.pick()
    route.release(first, Attempt(Verdict.REFUSED, ErrorCode.BUSY))
    second = await route.pick()
    assert (first.label, second.label) == ("a1", "b1")
    route.release(second, Attempt(Verdict.REFUSED, ErrorCode.BUSY))
    with pytest.raises(ApiError):
        await route.pick()
    assert dispatcher.retries._value.get() == 1


async def test_a_success_takes_the_marks_away(dispatcher, cluster):
    cluster.hive_refused("h2", "hive-2")
    running = dispatcher.route(REQUEST, {"path": "/v1/completions"})
    target = await running.pick()
    cluster.hive_refused("h1", "hive-i1")
    cluster.worker_refused("a1", "i1")
    with pytest.raises(ApiError) as caught:
        await dispatcher.route(REQUEST, {"path": "/v1/completions"}).pick()
    assert caught.value.code is ErrorCode.NO_WORKER_AVAILABLE
    running.release(target, Attempt(Verdict.SERVED))
    assert blocked(cluster) is None


async def test_the_errors_of_a_pick(dispatcher, cluster, say):
    async def code_for(model):
        with pytest.raises(ApiError) as caught:
            await dispatcher.route(CompletionRequest(model=model, prompt="x"), {"path": "/"}).pick()
        return caught.value.code, caught.value.retry_after_s

    assert await code_for("other") == (ErrorCode.MODEL_NOT_FOUND, None)
    cluster.registry.restore("h9", say.lease(instance="unheard"))
    assert await code_for("other") == (ErrorCode.STARTING, 1)
    full = say.row("a1", slots_total=1, slots_busy=1)
    cluster.registry.lease("h1", say.lease(full, sequence=2))
    cluster.registry.remove_hive("h2")
    assert await code_for("tiny:1b") == (ErrorCode.BUSY, 1)
    cluster.registry.lease("h1", say.lease(say.row("a1", state="draining"), sequence=3))
    assert await code_for("tiny:1b") == (ErrorCode.NO_WORKER_AVAILABLE, 1)
