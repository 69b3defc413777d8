"""Logs: JSON lines that cost a daemon nothing when their reader is gone or asleep."""

from __future__ import annotations

import json
import subprocess
import sys

SAY = """
import logging, sys
from daemons.common import logs
logs.configure(role="worker", name="wrk-1", instance="i-1", level=sys.argv[1])
logs.bind_request_id("abc")
logs.log.debug("quiet")
logs.log.info("said", text="bl\\u00fcte\\nline", path=sys.path.__class__)
logging.getLogger("asyncio").warning("from %s", "a library")
try:
    1 / 0
except ZeroDivisionError as error:
    logs.log.error("broke", exc_info=error)
"""

FLOOD = """
import sys, time
from daemons.common import logs
logs.configure(role="worker", name="wrk-1", instance="i-1")
began = time.monotonic()
for n in range(2000):
    logs.log.info("flood", number=n, text="x" * 500)
sys.stdout.write(f"{time.monotonic() - began}\\n")
sys.stdout.flush()
sys.stdin.readline()
logs.log.info("after")
"""


def run(program: str, *argv: str) -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", program, *argv], capture_output=True, timeout=20, check=True)
    return [json.loads(line) for line in done.stderr.splitlines()]


def flooding_child() -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", FLOOD], stdin=pipe, stdout=pipe, stderr=pipe)


def test_each_line_is_an_object_with_who_and_which_request():
    said, library, broke = run(SAY, "info")
    for line in (said, library, broke):
        assert {"timestamp", "level", "event", "role", "name", "instance", "pid", "request_id"} <= line.keys()
        assert (line["role"], line["name"], line["request_id"]) == ("worker", "wrk-1", "abc")
        assert str(line["timestamp"]).endswith(("Z", "+00:00"))
    assert (said["event"], said["level"], said["text"]) == ("said", "info", "bl\u00fcte\nline")
    assert (library["event"], library["message"]) == ("library_log", "from a library")
    assert "ZeroDivisionError" in str(broke["exception"])


def test_the_level():
    assert run(SAY, "debug")[0]["event"] == "quiet"
    assert [line["event"] for line in run(SAY, "error")] == ["broke"]


def test_a_sleeping_reader_costs_lines_and_not_time():
    child = flooding_child()
    assert child.stdin
    assert child.stdout
    assert child.stderr
    with child:
        took_s = float(child.stdout.readline())
        kept = [json.loads(child.stderr.readline()) for _ in range(50)]
        child.stdin.write(b"\n")
        child.stdin.flush()
        rest = [json.loads(line) for line in child.stderr]
    assert took_s < 2
    assert [line["number"] for line in kept] == list(range(50))
    lost, after = rest[-2:]
    assert (lost["event"], after["event"]) == ("log_lines_dropped", "after")
    assert lost["lines"] == 2000 - 50 - (len(rest) - 2)
    assert child.returncode == 0


def test_a_closed_reader_costs_nothing():
    child = flooding_child()
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stderr.close()
    with child:
        took_s = float(child.stdout.readline())
        child.stdin.write(b"\n")
    assert took_s < 2
    assert child.returncode == 0
