"""Makes a fault of each kind, leaves its injection out, and puts it on the stack as any scenario does."""

import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

from behave import when
from daemon_starter import start_daemon

from beehave.addresses import Address
from beehave.faults.base import FaultStack
from beehave.faults.database import Damage, DamagedFile, HeldLock, RemovedFile
from beehave.faults.disk import FileSizeLimit, FilledDisk, ReadOnlyFolder, SmallDisk
from beehave.faults.link_fault import Crossing, LinkFault
from beehave.faults.memory import LimitLowered
from beehave.faults.pause import Pause
from beehave.faults.signal_sent import SignalSent
from beehave.identity import Identity
from beehave.machine.cgroups import Group
from beehave.net.links import KernelLink
from beehave.net.ways import Effect, Way

QUEEN, HIVE = "127.1.0.1", "127.1.1.1"


@when("a {kind} is asked for, and its injection does nothing")
def when_a_fault_is_asked_for(context, kind):
    folder = tempfile.TemporaryDirectory()
    context.add_cleanup(folder.cleanup)
    fault = MAKERS[kind](context, Path(folder.name))
    assert type(fault).__name__ == kind, fault
    fault.inject = lambda: None
    fault.available = lambda: None  # nothing is done to the machine, so it need not be able to bear it
    FaultStack(context.session.journal).add(fault)


def database(folder):
    path = folder / "bees.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bees (name TEXT)")
    return path


def process(context):
    daemon = start_daemon(context)
    context.add_cleanup(daemon.kill)
    return Identity.of(daemon.pid)


def limited_process(context):
    return SimpleNamespace(name="the daemon", pid=process(context).pid, alive=lambda: True)


def group(folder):
    """What the files of a control group of version 2 say, in a folder: nobody changes them here."""
    (folder / "memory.max").write_text(f"{64 << 20}\n")
    (folder / "memory.current").write_text(f"{16 << 20}\n")
    return Group(folder)


def link_fault(context):
    crossing = Crossing(Way(QUEEN, HIVE), Address(HIVE, 1))
    return LinkFault(KernelLink(), context.session.journal, "the link", [crossing], Effect(drop=True))


MAKERS = {
    "DamagedFile": lambda _, folder: DamagedFile(database(folder), "bees", Damage.HEADER),
    "FileSizeLimit": lambda context, _: FileSizeLimit(limited_process(context), 4096),
    "FilledDisk": lambda _, folder: FilledDisk(folder),
    "HeldLock": lambda _, folder: HeldLock(database(folder)),
    "LimitLowered": lambda _, folder: LimitLowered(group(folder), 1 << 20),
    "LinkFault": lambda context, _: link_fault(context),
    "Pause": lambda context, _: Pause(context.session.journal, "the daemon", process(context)),
    "ReadOnlyFolder": lambda _, folder: ReadOnlyFolder(folder),
    "RemovedFile": lambda _, folder: RemovedFile(database(folder)),
    "SignalSent": lambda context, _: SignalSent(
        context.session.journal, "sleeper", "the daemon", process(context), signal.SIGTERM, why="left out"
    ),
    "SmallDisk": lambda _, folder: SmallDisk(folder),
}
