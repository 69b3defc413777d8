"""One worker process: started, adopted, watched to its end, signalled by its identity."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from daemons.common.process import start_ticks
from daemons.hive.changes import Changes
from daemons.hive.workers.process import WorkerProcess

pytestmark = pytest.mark.anyio

SLEEP = [sys.executable, "-c", "import sys, time; print('up', flush=True); time.sleep(60)"]


async def ended(process: WorkerProcess, changes: Changes) -> None:
    process.watch(changes.notify)
    assert await changes.until(lambda: process.ended, within_ms=5_000)


@pytest.mark.parametrize(
    ("code", "status", "number"),
    [("raise SystemExit(4)", 4, None), ("pass", 0, None), ("import os; os.kill(os.getpid(), 9)", None, 9)],
)
async def test_how_a_child_ended(tmp_path, code, status, number):
    changes = Changes()
    process = WorkerProcess.start([sys.executable, "-c", code], tmp_path / "log")
    await ended(process, changes)
    assert (process.exit_status, process.signal) == (status, number)
    assert start_ticks(process.pid) != process.start_ticks, "it was reaped"


async def test_a_child_lives_in_its_own_session_and_holds_nothing_but_its_log(tmp_path):
    changes = Changes()
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    code = "import os; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd')), flush=True)"
    process = WorkerProcess.start([sys.executable, "-c", code], tmp_path / "log")
    os.close(writing)
    os.close(reading)
    await ended(process, changes)
    # 3 is the listing itself.
    assert (tmp_path / "log").read_text() == "True ['0', '1', '2', '3']\n"


async def test_both_outputs_are_appended(tmp_path):
    changes = Changes()
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    process = WorkerProcess.start([sys.executable, "-c", code], log)
    await ended(process, changes)
    assert log.read_text() == "before\nout\nerr\n"
    assert process.log_begins == len("before\n")


async def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        WorkerProcess.start([str(tmp_path / "nothing")], tmp_path / "log")


async def test_a_signal_hits_by_identity_alone(tmp_path):
    changes = Changes()
    process = WorkerProcess.start(SLEEP, tmp_path / "log")
    process.watch(changes.notify)
    other = WorkerProcess.adopt(process.pid, (process.start_ticks or 0) + 1)
    assert not other.send(signal.SIGKILL), "same PID, another start: another process"
    assert process.alive()
    assert process.send(signal.SIGKILL)
    await ended(process, changes)
    assert process.signal == signal.SIGKILL
    assert not process.send(signal.SIGKILL)


@pytest.fixture
def of_another() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not a child of this one."""
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


async def test_an_adopted_process_is_watched_but_its_status_is_nobodys_to_know(of_another):
    changes = Changes()
    process = WorkerProcess.adopt(of_another.pid, start_ticks(of_another.pid) or 0)
    process.watch(changes.notify)
    assert process.alive()
    of_another.kill()
    assert await changes.until(lambda: process.ended, within_ms=5_000)
    assert (process.exit_status, process.signal, process.adopted) == (None, None, True)


async def test_a_stopped_process_lives(tmp_path):
    changes = Changes()
    process = WorkerProcess.start(SLEEP, tmp_path / "log")
    process.watch(changes.notify)
    process.send(signal.SIGSTOP)
    assert process.alive()
    process.send(signal.SIGKILL)
    await ended(process, changes)
