"""The runner of behave: every run in a sandbox, every end an orderly one, no verdict before the last cleanup."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave.exception import ConfigError
from behave.formatter._registry import make_formatters
from behave.model_type import Status
from behave.runner import Runner
from behave.runner import the_step_registry as step_definitions  # not step_registry.registry: behave resets that one
from behave.runner_util import parse_features
from behave.step_registry import AmbiguousStep

from beehave import sandbox
from beehave.errors import HarnessError
from beehave.machine import cgroups as memory_groups
from beehave.machine.cgroups import MEMORY_GROUP
from beehave.output import say, survive_closed_output
from beehave.runner import reporters, selection
from beehave.runner.context import HarnessContext
from beehave.runner.evidence import AssertionTrace
from beehave.runner.interruption import Interruption, let_children_take_signals
from beehave.runner.step_guard import StepGuard, UnawaitedCoroutines

HOOK_NAMES = {
    f"{when}_{what}" for when in ("before", "after") for what in ("all", "feature", "rule", "scenario", "step", "tag")
}
RUN_FOLDER = "run_folder"
"""Name of the fact that the run sends to its launcher: the folder with its journal."""


class HarnessRunner(Runner):  # type: ignore[misc]  # behave has no types
    """behave's runner in a sandbox, with checks before the run and honest verdicts after it.

    Options by `-D`: `sandbox=auto|require|off`, `shuffle=NUMBER` (another order of features and scenarios, the same
    for the same number), `run_folder=FOLDER` (a new one, in place of the next below `reports/`).
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.hooks: dict[str, Any]
        self.interruption = Interruption()
        self._unawaited = UnawaitedCoroutines()
        self._hook_error = ""
        self.run_problems: list[str] = []
        """Problems of the run as a whole, which belong to no scenario."""

    def run(self) -> bool:
        """Run what was selected; returns whether it failed.

        Raises:
            SystemExit: a signal ended the run; 128 + its number.
            ConfigError: an option makes no sense, or namespaces were required and are impossible.
        """
        if self.config.dry_run:
            return bool(super().run())
        self.interruption.install()
        survive_closed_output(lambda: self.interruption.request(signal.SIGPIPE))
        try:
            sandbox.enter(sandbox.requested_mode(self.config.userdata.get("sandbox")), draw_report)
        except HarnessError as error:
            raise ConfigError(str(error)) from error
        let_children_take_signals()  # after the launcher has checked which of them the caller ignores
        if self.config.jobs > 1:
            say(f"note: --jobs {self.config.jobs}: parallel jobs are not supported yet, scenarios run one by one")
        reporters.install(self.config, self.run_problems)
        failed = bool(super().run())
        sandbox.report_to_launcher(finished=True)
        if (code := self.interruption.exit_code) is not None:
            sys.stdout.flush()
            raise SystemExit(code)
        return failed

    def run_with_paths(self) -> bool:
        """Load hooks and steps, check the whole selection, then run it; return whether it failed."""
        self.context = HarnessContext(self, self.interruption)
        self.load_hooks()
        # Hooks are wrapped before anything runs, and steps when they are looked up (StepGuard).
        for name in HOOK_NAMES & self.hooks.keys():
            self.hooks[name] = self._guarded_hook(name, self.hooks[name])
        try:
            self.load_step_definitions()
        except AmbiguousStep as error:
            say(f"ambiguous step definitions: {error}")
            return True
        trace = AssertionTrace([Path(self.base_dir) / self.config.steps_dir])
        self.step_registry = StepGuard(step_definitions, self.interruption, self._unawaited, trace)
        locations = [place for place in self.feature_locations() if not self.config.exclude(place)]
        self.features.extend(parse_features(locations, language=self.config.lang))
        if not self._selection_is_sound():
            return True
        self._shuffle()
        self.formatters = make_formatters(self.config, self.config.outputs)
        if not self.config.dry_run:
            self.context.begin_layer()  # the census that the end of the whole run is compared with
        failed = bool(self.run_model())
        if self._nothing_ran():
            say("error: nothing ran: every selected scenario was skipped, for the reasons above")
            return True
        return failed

    def abort(self, reason: str | None = None) -> None:
        """Abort the run; behave calls every signal `KeyboardInterrupt`, so the reason is given here."""
        super().abort(reason if self.interruption.number is None else self.interruption.reason)

    def run_hook(self, hook_name: str, *args: Any) -> bool:
        """Run a hook; the failure of one that belongs to no feature is kept for the JUnit file."""
        passed = bool(super().run_hook(hook_name, *args))
        if hook_name == "after_all" and self._hook_error:
            self.run_problems.append(f"after_all failed: {self._hook_error}")
        if hook_name == "before_all" and self.aborted:
            for reporter in reporters.junit_reporters(self.config):
                reporter.run_error = f"before_all failed, so no scenario was run: {self._hook_error}"
        return passed

    def run_hook_tags_with_capture(self, hook_name: str, tags: Any, capture_sink: Any = None) -> bool:
        """Run the tag hooks; behave calls those of `before_tag` first for each scenario that it is about to run."""
        if hook_name == "before_tag":
            self.context.begin_layer()
        return bool(super().run_hook_tags_with_capture(hook_name, tags, capture_sink=capture_sink))

    def teardown_capture(self) -> None:
        """End a scenario; behave calls this last. What it left behind makes it `failed`, like any other verdict.

        behave's own status for it, cleanup_error, crashes its progress formatters with a KeyError.
        """
        super().teardown_capture()
        scenario = self.context.ended_scenario
        if scenario is not None and scenario.status is Status.cleanup_error:
            scenario.set_status(Status.failed)

    def _selection_is_sound(self) -> bool:
        scenarios = selection.selected(self.features, self.config)
        wrong = selection.problems(scenarios, step_definitions)
        if not scenarios and not self.config.dry_run:
            wrong.append(selection.describe_empty(self.features, self.config))
        for problem in wrong:
            say(f"error: {problem}")
        return not wrong

    def has_problems(self) -> bool:
        """Return whether the run fails although no scenario did: a hook failed, or nothing ran at all."""
        return bool(self.hook_failures or self.run_problems or self._nothing_ran())

    def _nothing_ran(self) -> bool:
        if self.config.dry_run or self.aborted:
            return False
        statuses = {scenario.status for feature in self.features for scenario in feature.walk_scenarios()}
        return not statuses - {Status.skipped, Status.untested}

    def _shuffle(self) -> None:
        seed = self.config.userdata.get("shuffle")
        if seed is None:
            return
        order = random.Random(seed)  # noqa: S311 - an order to run in, not a secret
        order.shuffle(self.features)
        for feature in self.features:
            order.shuffle(feature.run_items)

    def _guarded_hook(self, name: str, hook: Callable[..., Any]) -> Callable[..., None]:
        """Wrap a hook: a signal may interrupt only a `before` hook, and what the hook raises or leaves is an error."""

        def guarded(context: Any, *args: Any) -> None:
            self._hook_error = ""
            with self.interruption.may_break_in(allowed=name.startswith("before_")):
                try:
                    result = hook(context, *args)
                    self._unawaited.refuse(result, f"hook {name}")
                except KeyboardInterrupt:
                    self._hook_error = self.interruption.reason
                    for statement in args:  # behave marks it as failed and says nothing
                        statement.error_message = f"not run: {self._hook_error}"
                    raise
                except Exception as error:
                    self._hook_error = f"{type(error).__name__}: {error}"
                    raise
                except BaseException as error:
                    self._hook_error = repr(error)
                    raise HarnessError(f"the hook {name} raised {error!r}, which would have ended the run") from error

        return guarded


def draw_report(run: sandbox.EndedRun) -> None:
    """Write the report from the journal, in the launcher, since the run itself may have been killed."""
    if group := run.facts.get(MEMORY_GROUP):
        memory_groups.clear(Path(group))
    folder = run.facts.get(RUN_FOLDER)
    if folder is None:
        return
    from beehave.report.report import summary_lines, write_report
    from beehave.session import JOURNAL_NAME

    journal = Path(folder) / JOURNAL_NAME
    write_report(journal)
    for line in summary_lines(journal):
        say(line)
