"""Standard output that is closed under a program."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from beehave.output import survive_closed_output
closed = []
survive_closed_output(lambda: closed.append(1))
try:
    while not closed:
        print("line", flush=True)
    print("written to nowhere", flush=True)
finally:
    sys.stderr.write(f"{len(closed)} times")
"""


def test_a_closed_pipe_is_told_once_and_raises_nothing():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 0
    assert errors == "1 times"
