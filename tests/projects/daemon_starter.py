"""Starts sleeper.py from a step and waits until it is what it was told to be."""

import itertools
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_numbers = itertools.count(1)
_SLEEPER = Path(__file__).with_name("sleeper.py")


@dataclass
class Daemon:
    pid: int
    popen: subprocess.Popen

    def alive(self):
        return self.popen.poll() is None

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def start_daemon(context, *habits):
    ready = Path(f"ready-{next(_numbers)}").resolve()
    marker = context.config.userdata["marker"]
    popen = subprocess.Popen([sys.executable, str(_SLEEPER), marker, str(ready), *habits])
    if "double-fork" in habits:
        popen.wait()
    deadline = time.monotonic() + 10
    while not ready.exists():
        assert time.monotonic() < deadline, f"not ready: {habits}"
        time.sleep(0.005)
    return Daemon(int(ready.read_text().split()[0]), popen)
