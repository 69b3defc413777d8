"""A process is its PID and its start: zombies, reused PIDs and strangers are told apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from beehave.identity import Identity, descendants, own_identity

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def ended(identity: Identity) -> bool:
    """Wait, without reaping, until the process has ended."""
    os.waitid(os.P_PID, identity.pid, os.WEXITED | os.WNOWAIT)
    return True


def test_a_running_process_is_alive_and_one_of_our_descendants():
    with subprocess.Popen(SLEEP) as child:
        identity = Identity.of(child.pid)
        assert identity is not None
        assert identity.alive()
        assert identity in descendants(os.getpid())
        assert identity.parent_pid() == os.getpid()
        assert identity.argv() == SLEEP
        child.kill()


def test_a_zombie_exists_but_is_not_alive():
    with subprocess.Popen(SLEEP) as child:
        identity = Identity.of(child.pid)
        assert identity is not None
        identity.send(signal.SIGKILL)
        assert ended(identity)
        assert identity.exists()
        assert identity.state() == "zombie"
        assert not identity.alive()
        child.wait()
        assert not identity.exists()
        assert identity.state() == "gone"


def test_a_stopped_process_is_alive():
    with subprocess.Popen(SLEEP) as child:
        identity = Identity.of(child.pid)
        assert identity is not None
        identity.send(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert identity.state() == "stopped"
        assert identity.alive()
        child.kill()


def test_a_process_with_our_pid_and_another_start_is_a_stranger():
    me = own_identity()
    stranger = Identity(me.pid, me.start_ticks - 1)
    assert not stranger.exists()
    assert not stranger.alive()
    assert stranger.argv() == []
    assert stranger.send(signal.SIGKILL) is False  # or this test would not have come to its end


def test_a_pid_that_nobody_has_is_nobody():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        identity = Identity.of(child.pid)
    assert identity is not None
    assert Identity.of(child.pid) is None
    assert identity.send(signal.SIGTERM) is False
