"""Running requests: each is ended by the first reason that comes, at its next await."""

from __future__ import annotations

import asyncio

import pytest

from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inflight import EndedError, EndReason, InFlight

pytestmark = pytest.mark.anyio


@pytest.fixture
def inflight():
    return InFlight()


def later(ms: float = 5_000) -> Deadline:
    return Deadline.after_ms(ms)


async def test_it_counts_who_runs(inflight):
    with inflight.track("a", later()), inflight.track("b", later()):
        assert len(inflight) == 2
        assert "a" in inflight
        assert not await inflight.wait_empty(0.01)
    assert len(inflight) == 0
    assert await inflight.wait_empty(0)


async def test_an_id_runs_once_at_a_time(inflight):
    with inflight.track("a", later()):
        with pytest.raises(ApiError) as caught, inflight.track("a", later()):
            pass
        assert "a" in inflight, "the first one is still there"
    assert caught.value.code is ErrorCode.DUPLICATE_REQUEST
    with inflight.track("a", later()):
        pass


async def test_the_first_reason_counts(inflight):
    with inflight.track("a", later()) as running:
        with pytest.raises(EndedError) as caught:  # noqa: PT012 it ends at an await further down
            async with running.bounds():
                assert inflight.end("a", EndReason.CANCELLED)
                assert inflight.end_all(EndReason.DRAINING) == 1
                await asyncio.sleep(5)
        assert caught.value.reason is EndReason.CANCELLED
    assert not inflight.end("a")


async def test_what_was_ended_before_it_began_does_not_begin(inflight):
    with inflight.track("a", later()) as running:
        running.end(EndReason.CLIENT_GONE)
        with pytest.raises(EndedError):
            async with running.bounds():
                pytest.fail("began")


async def test_the_deadline(inflight):
    with inflight.track("a", later(30)) as running:
        with pytest.raises(EndedError) as caught:
            async with running.bounds():
                await asyncio.sleep(5)
        assert caught.value.reason is EndReason.DEADLINE_EXCEEDED


@pytest.mark.parametrize(("deadline_ms", "reason"), [(5_000, EndReason.STALLED), (10, EndReason.DEADLINE_EXCEEDED)])
async def test_a_stall_is_told_from_the_deadline(inflight, deadline_ms, reason):
    with inflight.track("a", later(deadline_ms)) as running:
        with pytest.raises(EndedError) as caught:  # noqa: PT012 it ends at an await further down
            async with running.bounds():
                running.expect_within(40)
                try:
                    await asyncio.sleep(5)
                finally:
                    assert running.stalled is (reason is EndReason.STALLED)
        assert caught.value.reason is reason


async def test_progress_moves_the_stall_bound(inflight):
    with inflight.track("a", later()) as running:
        async with running.bounds():
            for _ in range(5):
                running.expect_within(60)
                await asyncio.sleep(0.03)
            running.expect_by_deadline()
            await asyncio.sleep(0.1)
            assert not running.stalled


async def test_an_end_is_not_put_off_by_progress(inflight):
    with inflight.track("a", later()) as running, pytest.raises(EndedError):  # noqa: PT012 as above
        async with running.bounds():
            running.end(EndReason.CANCELLED)
            running.expect_within(5_000)
            running.expect_by_deadline()
            await asyncio.sleep(5)


async def test_a_timeout_of_the_work_itself_stays_one(inflight):
    with inflight.track("a", later()) as running, pytest.raises(TimeoutError):
        async with running.bounds(), asyncio.timeout(0.01):
            await asyncio.sleep(5)


async def test_a_cancelled_task_stays_cancelled(inflight):
    async def work() -> None:
        with inflight.track("a", later()) as running:
            async with running.bounds():
                await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(inflight) == 0
