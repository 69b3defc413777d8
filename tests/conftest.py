"""What all tests begin with."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beehave.addresses import AddressBook
from beehave.daemons import Daemons
from beehave.journal import Journal
from beehave.process.table import ProcessTable
from beehave.settings import DaemonSettings, Settings
from daemons.common.logs import set_level

# nohup, and shells for background jobs, start a program with these ignored, and tests send them to themselves.
for _number, _default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)


@pytest.fixture(autouse=True)
def log_level_of_production() -> None:
    """Let each test begin with the default log level: a daemon run inside a test may have set another one."""
    set_level("info")


@pytest.fixture
def journal(tmp_path) -> Iterator[Journal]:
    """The journal of what a test looks at and does."""
    made = Journal(tmp_path / "journal.ndjson")
    yield made
    made.close()


@pytest.fixture
def make_daemons(tmp_path, journal) -> Iterator[Callable[..., Daemons]]:
    """Return a function that makes the daemons of a scenario from settings by role; all are ended afterwards."""
    addresses = AddressBook(private_network=False)
    made = []

    def make(project: Path = tmp_path, **roles: DaemonSettings) -> Daemons:
        daemons = Daemons(
            settings=Settings(daemons=roles),
            journal=journal,
            folder=tmp_path / "scenario",
            shared_folder=tmp_path / "shared",
            addresses=addresses,
            processes=ProcessTable(journal, project),
        )
        made.append(daemons)
        return daemons

    yield make
    for daemons in made:
        daemons.processes.stop_all(daemons.stop_all_bound_s)
        daemons.close()
    addresses.close()
