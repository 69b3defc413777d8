"""The order of a proof: the scenarios on the correct product, then on each seed, then the red ones once more."""

from __future__ import annotations

import itertools
import shlex
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from beehave.child.run import CHILD_PYTHON
from beehave.proof.catalog import Seed
from beehave.proof.child import Children, ScenarioSelection
from beehave.proof.judgement import Ending, Mark, Run, to_repeat
from beehave.proof.results import SeedResult, result_of
from beehave.proof.sentences import Sentences
from beehave.settings import ProofSettings

Job = TypeVar("Job")
Result = TypeVar("Result")

HARNESS_ROLE = "harness"


@dataclass
class Campaign:
    """One proof."""

    children: Children
    sentences: Sentences
    folder: Path
    """The parent of the runs' folders."""
    tree: str
    settings: ProofSettings = field(default_factory=ProofSettings)
    jobs: int = 1
    once: bool = False
    """Whether one red run is enough."""
    every_scenario: bool = False
    """Whether all scenarios run against a seed, and not only those that it names."""

    def scenarios_of(self, seed: Seed) -> list[str]:
        """Return the scenarios to run against a seed."""
        if not self.every_scenario:
            return list(seed.caught_by)
        return list(dict.fromkeys([*seed.caught_by, *self.sentences.of_family(None)]))

    def clean_runs(self, scenarios: Iterable[str]) -> Iterator[Run]:
        """Run scenarios on the correct product, a feature at a time, and yield each run as it ends."""
        by_file: dict[str, list[str]] = {}
        for name in dict.fromkeys(scenarios):
            by_file.setdefault(name.partition("::")[0], []).append(name)
        files = sorted(by_file.values(), key=len, reverse=True)
        counter = itertools.count(1)

        def run(names: list[str]) -> Run:
            return self.children.run(self._selection(names), self.folder / f"clean-{next(counter)}")

        yield from self._in_parallel(
            run, files, quiet=lambda names: self.sentences.families.of(names[0].partition("::")[0])
        )

    def prove(self, seeds: Sequence[Seed], skipped: Mapping[str, str]) -> Iterator[tuple[Seed, SeedResult]]:
        """Run each seed's scenarios, and the red ones once more; yield each seed as it is judged.

        Args:
            seeds: what to plant.
            skipped: the scenarios that the clean run skipped, with the reasons; not run again.
        """

        def run(seed: Seed) -> tuple[Seed, SeedResult]:
            return seed, self._one(seed, skipped)

        yield from self._in_parallel(run, seeds, quiet=lambda seed: seed.family)

    def _one(self, seed: Seed, skipped: Mapping[str, str]) -> SeedResult:
        names = self.scenarios_of(seed)
        if not names:
            return result_of(seed, None, None, self.sentences, tree=self.tree)
        unable = {name: Ending(name, Mark.SKIPPED, message=skipped[name]) for name in names if name in skipped}
        able = [name for name in names if name not in skipped]
        first, second = Run(unable), None
        if able:
            first = self._against(seed, able, 1)
            first = replace(first, endings={**first.endings, **unable})
            again = [] if self.once else to_repeat(first, seed.caught_as)
            if again:
                second = self._against(seed, again, 2)
        result = result_of(seed, first, second, self.sentences, tree=self.tree, once=self.once)
        if result.caught:  # the daemons' logs are of interest only for uncaught seeds
            for number in (1, 2):
                shutil.rmtree(self._folder_of(seed, number) / "scenarios", ignore_errors=True)
        return result

    def _against(self, seed: Seed, names: Sequence[str], number: int) -> Run:
        return self.children.run(
            self._selection(names, planted(seed, self.settings.launcher)), self._folder_of(seed, number)
        )

    def _folder_of(self, seed: Seed, number: int) -> Path:
        return self.folder / f"{seed.name}-{number}"

    def _selection(self, names: Sequence[str], options: Mapping[str, str] | None = None) -> ScenarioSelection:
        return ScenarioSelection(names, options or {}, nightly=any(self.sentences.nightly(name) for name in names))

    def _in_parallel(
        self, run: Callable[[Job], Result], jobs: Iterable[Job], *, quiet: Callable[[Job], str | None]
    ) -> Iterator[Result]:
        alone: list[Job] = []
        together: list[Job] = []
        for job in jobs:
            (alone if quiet(job) in self.settings.quiet else together).append(job)
        yield from in_parallel(run, together, self.jobs)
        yield from in_parallel(run, alone, 1)


def planted(seed: Seed, launcher: Sequence[str]) -> dict[str, str]:
    """Return the `-D` option that plants a seed, by the project's launcher."""
    key = CHILD_PYTHON if seed.role == HARNESS_ROLE else f"daemon.{seed.role}"
    return {key: shlex.join(word.replace("{seed}", seed.name).replace("{role}", seed.role) for word in launcher)}


def in_parallel(run: Callable[[Job], Result], jobs: Sequence[Job], count: int) -> Iterator[Result]:
    """Run jobs, `count` at a time, and yield each result when it is ready; the first error stops the rest."""
    with ThreadPoolExecutor(max_workers=count) as pool:
        waiting = {pool.submit(run, job) for job in jobs}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def ended_by_signals(children: Children) -> Iterator[None]:
    """Within the block, let SIGINT, SIGTERM and SIGHUP end all runs in order and raise KeyboardInterrupt.

    A second signal ends the runs at once. A signal that the caller ignores (`nohup`) stays ignored, but is not ignored
    in the runs, whose scenarios send it to their own processes.
    """
    interrupted = False

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal interrupted
        children.end_all()
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    before: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        before[number] = signal.getsignal(number)
        # The runs do not inherit a handler, but would inherit that a signal is ignored.
        signal.signal(number, on_signal if before[number] is not signal.SIG_IGN else lambda *_: None)
    try:
        yield
    finally:
        for taken, handler in before.items():
            signal.signal(taken, handler)
