"""A process that is hard to get rid of; what it does is in its command line, which begins with a marker.

    sleeper.py MARKER READY_FILE [new-session] [double-fork] [ignore-term] [stop] [die] [listen] [lock=FILE]

It writes `PID start_ticks` into READY_FILE once it is all that, so whoever started it can wait for it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time
from pathlib import Path


def main(ready_file: Path, habits: list[str]) -> None:
    if "new-session" in habits or "double-fork" in habits:
        os.setsid()
    if "double-fork" in habits and os.fork():
        os._exit(0)
    if "ignore-term" in habits:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    held: list[object] = [socket.create_server(("127.0.0.1", 0))] if "listen" in habits else []
    held += [locked(habit.removeprefix("lock=")) for habit in habits if habit.startswith("lock=")]
    say_ready(ready_file)
    if "die" in habits:
        return
    if "stop" in habits:
        os.kill(os.getpid(), signal.SIGSTOP)
    while True:  # pause() would end at the first signal that has a handler
        time.sleep(3600)


def locked(path: str) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def say_ready(ready_file: Path) -> None:
    start_ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    half = ready_file.with_suffix(".part")
    half.write_text(f"{os.getpid()} {start_ticks}\n")
    half.rename(ready_file)


main(Path(sys.argv[2]), sys.argv[3:])
