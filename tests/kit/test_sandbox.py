"""The sandbox from outside: tiny programs that enter one, and what becomes of them and of what they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager

import psutil
import pytest

from beehave.errors import HarnessError
from beehave.machine import probes
from beehave.sandbox import SandboxMode, requested_mode
from beehave.sandbox.link import Link

needs_namespaces = pytest.mark.skipif(
    probes.pid_namespace() is not None, reason=f"no namespaces here: {probes.pid_namespace()}"
)
BOTH = [pytest.param("require", marks=needs_namespaces), "off"]
BOUND_S = 20

ENTER = """
import json, os, signal, subprocess, sys, time
import psutil
from beehave import sandbox
MARKER, WISH = sys.argv[1:3]

def sleeper():
    # Forks twice, leads a session of its own, ignores what can be ignored.
    code = ("import os, signal, sys, time; os.setsid(); os.fork() and os._exit(0); "
            "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; print('up', flush=True); time.sleep(3600)")
    process = subprocess.Popen([sys.executable, "-c", code, MARKER], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.wait()

def ended(run):
    print(json.dumps({"code": run.exit_code, "told": dict(run.facts)}), flush=True)

info = sandbox.enter(sandbox.requested_mode(WISH), ended)
"""


@contextmanager
def started(program, wished):
    """Start a program, and end it when it has not ended by itself: one that hangs must not outlive its test."""
    marker = f"mark-{uuid.uuid4().hex}"
    command = [sys.executable, "-c", ENTER + program, marker, wished]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        process.marker = marker
        try:
            yield process
        finally:
            process.kill()


def run(program, wished):
    with started(program, wished) as process:
        output, errors = process.communicate(timeout=BOUND_S)
    return process.returncode, output, errors, marked(process.marker)


def marked(marker):
    return [p for p in psutil.process_iter(["cmdline"]) if marker in (p.info["cmdline"] or [])]


@pytest.mark.parametrize("wished", BOTH)
def test_the_launcher_ends_like_the_run_and_gets_what_it_told(wished):
    code, output, _, _ = run("sandbox.report_to_launcher(folder='f', finished=True); sys.exit(3)", wished)
    assert code == 3
    assert json.loads(output)["code"] == 3
    assert json.loads(output)["told"]["folder"] == "f"


@pytest.mark.parametrize("wished", BOTH)
def test_the_second_signal_ends_a_run_that_never_looks_at_signals(wished):
    blocked = "signal.pthread_sigmask(signal.SIG_BLOCK, [1, 2, 15]); sleeper(); print('up', flush=True); time.sleep(60)"
    with started(blocked, wished) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # more than SAME_SIGNAL_WINDOW_S
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(BOUND_S) == 143
        assert not marked(process.marker)


@pytest.mark.parametrize("wished", BOTH)
def test_a_signal_to_child_and_group_at_once_is_one_signal(wished):
    program = (
        "came = []\nsignal.signal(15, lambda *_: came.append(1))\nprint('up', flush=True)\n"
        "while not came: time.sleep(0.01)\ntime.sleep(0.3); sys.exit(5)"
    )
    with started(program, wished) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(BOUND_S) == 5


def test_the_launcher_stands_in_when_reaper_and_run_are_killed():
    with started("sleeper(); print('up', flush=True); time.sleep(3600)", "off") as process:
        assert process.stdout.readline() == "up\n"
        [reaper] = psutil.Process(process.pid).children()
        [run] = [child for child in reaper.children() if process.marker in child.cmdline() and child.name() == "behave"]
        run.suspend()  # or it might end before it can be killed: the reaper's end sends it SIGTERM
        reaper.kill()
        run.kill()
        assert process.wait(BOUND_S) == 137
        assert not marked(process.marker)


@pytest.mark.parametrize("wished", BOTH)
def test_an_orphan_is_reaped_when_it_ends(wished):
    program = """
code = "import os, time; p = os.fork(); p and (print(p, flush=True), os._exit(0)); os.closerange(0, 3); time.sleep(60)"
process = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
orphan = psutil.Process(int(process.stdout))
assert orphan.ppid() == os.getppid(), "the reaper adopts it"
orphan.kill()
deadline = time.monotonic() + 10
while psutil.pid_exists(orphan.pid):
    assert time.monotonic() < deadline, orphan.status()
    time.sleep(0.01)
sandbox.report_to_launcher(finished=True)
"""
    code, _, errors, _ = run(program, wished)
    assert code == 0, errors


@needs_namespaces
def test_namespaces_are_private():
    program = """
import socket
assert info.private_network and info.private_processes
assert sorted(psutil.pids()) == [1, os.getpid()], psutil.pids()
assert list(psutil.net_if_addrs()) == ["lo"]
socket.create_server(("127.1.2.3", 80)).close()
assert json.dumps(info.kind) == '"namespaces"' and not info.reason
sandbox.report_to_launcher(finished=True)
"""
    code, _, errors, _ = run(program, "require")
    assert code == 0, errors


@needs_namespaces
def test_a_sandbox_in_a_sandbox():
    program = """
inner = subprocess.run([sys.executable, "-c",
    "from beehave import sandbox; from beehave.machine import probes; assert probes.pid_namespace() is None; "
    "sandbox.enter(sandbox.SandboxMode.REQUIRE, lambda run: None); sandbox.report_to_launcher(finished=True)"])
sandbox.report_to_launcher(finished=True)
sys.exit(inner.returncode)
"""
    code, _, errors, _ = run(program, "require")
    assert code == 0, errors


FORBID_PID_NAMESPACES = """
import os, sys
from pathlib import Path
from beehave.sandbox import kernel
user = os.getuid()
kernel.unshare(kernel.CLONE_NEWUSER)
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {user} 1")
Path("/proc/sys/user/max_pid_namespaces").write_text("0")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@needs_namespaces
@pytest.mark.parametrize(("wished", "expected"), [("auto", 0), ("require", 1)])
def test_where_namespaces_are_forbidden(wished, expected):
    program = """
assert info.kind == "portable" and "No space left on device" in info.reason, info
sleeper()
sandbox.report_to_launcher(finished=True)
"""
    marker = f"mark-{uuid.uuid4().hex}"
    command = [sys.executable, "-c", FORBID_PID_NAMESPACES, "-c", ENTER + program, marker, wished]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert done.returncode == expected, done.stderr
    assert ("sandbox=require, but namespaces are impossible" in done.stderr) is (wished == "require")
    assert not marked(marker)


def test_the_option_comes_before_the_variable(monkeypatch):
    monkeypatch.setenv("BEEHAVE_SANDBOX", "off")
    assert requested_mode("require") is SandboxMode.REQUIRE
    assert requested_mode(None) is SandboxMode.OFF
    monkeypatch.delenv("BEEHAVE_SANDBOX")
    assert requested_mode(None) is SandboxMode.AUTO
    with pytest.raises(HarnessError, match="expected one of auto, require, off"):
        requested_mode("on")


def test_facts_are_read_to_the_last_whole_line():
    link = Link()
    link.send(a=1)
    link.send(b=2)
    os.write(link._writer, b'{"half":')
    assert link.wait_for_facts() == {"a": 1}
    assert link.remaining_facts() == {"b": 2}
    link.keep_reader()
    os.close(link._reader)
