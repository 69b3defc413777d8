"""The generator as a process: started with a plan, awaited, its result read from a file."""

from __future__ import annotations

import sys
from typing import Any

from beehave.conditions import eventually
from beehave.daemons import Daemons
from beehave.errors import HarnessError
from beehave.load.generator import STARTED
from beehave.load.plan import LoadPlan
from beehave.load.result import LoadResult
from beehave.process.table import ManagedProcess, environment_for_children

START_BOUND_S = 15.0
"""A Python process and aiohttp take half a second; on a machine where all is started at once, several."""


class LoadProcess:
    """A running or ended generator."""

    def __init__(self, daemons: Daemons, name: str, **plan: Any) -> None:
        """Start it; `name` is its name in messages and its files' name, `plan` as in `LoadPlan`."""
        self._daemons = daemons
        self.name = name
        folder = daemons.folder / "load"
        folder.mkdir(parents=True, exist_ok=True)
        self.plan = LoadPlan(
            source_host=daemons.addresses.load_generator_host(), result_path=folder / f"{name}.result.json", **plan
        )
        path = folder / f"{name}.plan.json"
        path.write_text(self.plan.model_dump_json(indent=1), encoding="utf-8")
        self.process: ManagedProcess = daemons.processes.spawn(
            "load",
            name,
            [sys.executable, "-m", "beehave.load", "--config", str(path)],
            log_path=folder / f"{name}.log",
            env=environment_for_children(),
        )
        self.process.ending_expected = True  # it ends when its plan does

    def wait_until_started(self) -> None:
        """Wait until its schedule begins.

        Raises:
            AssertionError: it did not begin in time, or the generator died.
        """
        eventually(
            self._daemons.journal,
            f"{self.name} begins its schedule",
            self.process.log_lines,
            lambda lines: STARTED in lines,
            within_s=START_BOUND_S,
            impossible=lambda: None if self.process.alive() else self.process.describe(),
        )

    def wait_until_ended(self) -> None:
        """Wait until it has written its result, for as long as schedule, timeout and start-up may take.

        Raises:
            HarnessError: it did not end in time, or with an error.
        """
        within_s = START_BOUND_S + self.plan.seconds + self.plan.timeout_s
        status = self.process.wait(within_s)
        if status != 0:
            raise HarnessError(f"the generator had {within_s:.0f} s and ended with {status}: {self.process.describe()}")

    def result(self) -> LoadResult:
        """Return its result, read now from its file, as an observation."""
        result = LoadResult.model_validate_json(self.plan.result_path.read_bytes())
        self._daemons.journal.observe("load", name=self.name, text=result.text(), **result.model_dump(mode="json"))
        return result
