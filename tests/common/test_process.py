"""Who a process is: a PID with its start; zombies and strangers are not the process."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys

import pytest

from daemons.common import process

pytestmark = pytest.mark.anyio
SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]


@pytest.fixture
def child():
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout
        sleeper.stdout.readline()
        yield sleeper
        sleeper.kill()


@pytest.fixture(params=["pidfd", "no pidfd", "no descriptors"])
def way(request, monkeypatch):
    """The ways to hold a process: each must behave the same."""

    def none_left(_pid: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    if request.param == "no pidfd":
        monkeypatch.delattr(os, "pidfd_open")
    elif request.param == "no descriptors":
        monkeypatch.setattr(os, "pidfd_open", none_left)


async def test_a_running_process_is_itself(child, way):
    ticks = process.start_ticks(child.pid)
    assert process.is_same_process(child.pid, ticks)
    assert not process.is_same_process(child.pid, None)
    assert process.start_ticks(0) is None


async def test_a_stranger_with_its_pid_is_not_signalled(child, way):
    ticks = process.start_ticks(child.pid)
    assert ticks is not None
    assert not process.signal_process(child.pid, ticks + 1, signal.SIGKILL)
    assert child.poll() is None


async def test_a_signal_reaches_it(child, way):
    assert process.signal_process(child.pid, process.start_ticks(child.pid), signal.SIGTERM)
    assert child.wait(timeout=5) == -signal.SIGTERM


async def test_its_end_is_noticed_at_once_and_not_reaped(child, way):
    ticks = process.start_ticks(child.pid)
    waiting = asyncio.create_task(process.wait_gone(child.pid, ticks))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    child.kill()
    async with asyncio.timeout(1):
        await waiting
    assert process.start_ticks(child.pid) == ticks, "a zombie is still in the table"
    assert not process.is_same_process(child.pid, ticks), "but it does not run"
    assert child.wait(timeout=5) == -signal.SIGKILL, "its status is left to its parent"
    assert not process.signal_process(child.pid, ticks, signal.SIGKILL)
    async with asyncio.timeout(1):
        await process.wait_gone(child.pid, ticks)
