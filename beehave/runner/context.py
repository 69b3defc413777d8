"""behave's context with a census at the end of each layer: after the last cleanup, nothing extra may be left.

behave pops a layer of the context when a scenario, rule or feature ends, and runs its cleanups then. This is the
only place that comes after all of them, so the session ends the scenario and takes the census here.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave.model import Scenario
from behave.model_type import Status
from behave.runner import Context

from beehave import sandbox
from beehave.process.census import TEMPORARY_FOLDER, Census, CensusTaker
from beehave.runner.interruption import Interruption
from beehave.session import Session

_CENSUS = "@census"
_STARTED = "@started"


class LeftBehindError(Exception):
    """A scenario, feature or run did not end as it began; the message lists what was wrong."""


class HarnessContext(Context):  # type: ignore[misc]  # behave has no types
    """A context that runs every cleanup even when others fail, then ends the scenario, then takes the census."""

    def __init__(self, runner: Any, interruption: Interruption) -> None:
        super().__init__(runner)
        self._interruption = interruption
        self._ended_scenario: Scenario | None = None

    @property
    def ended_scenario(self) -> Scenario | None:
        """The scenario that ended last; behave sets its status only after this."""
        return self._ended_scenario

    def begin_layer(self) -> None:
        """Take the census against which the end of the layer now on top is compared."""
        self._stack[0][_CENSUS] = self._taker().take()
        self._stack[0][_STARTED] = time.monotonic()

    def _pop(self, capture_sink: Any = None) -> None:
        layer = self._stack[0]
        if _CENSUS not in layer:  # the scenario was never run: not selected, or a dry run
            super()._pop(capture_sink)
            return
        session = self._session()
        problems: list[str] = []
        with self._interruption.may_break_in(allowed=False):
            self._attempt(lambda: super(HarnessContext, self)._pop(capture_sink), "cleanup", problems)
            scenario = layer.get("scenario")
            if scenario is None:
                self._attempt(lambda: problems.extend(self._leaks_since(layer[_CENSUS], session)), "census", problems)
                _report(layer.get("rule") or layer.get("feature"), problems)
                self._runner.run_problems += problems
            else:
                self._end_scenario(scenario, layer, session, problems)
        if problems:
            raise LeftBehindError("\n".join(problems))

    def _do_cleanups(self) -> None:
        """Run all cleanups of the layer on top, the last registered first, and then raise their errors.

        Unlike behave's own, it continues after a `sys.exit` or a KeyboardInterrupt in one of them.
        """
        layer = self._stack[0]
        cleanups, layer["@cleanups"] = layer["@cleanups"], []
        errors: list[BaseException] = []
        for cleanup in reversed(cleanups):
            try:
                cleanup()
            except BaseException as error:  # noqa: BLE001 - raised below, when the other cleanups have run
                self._root["cleanup_errors"] += 1
                self.print_cleanup_error(self, cleanup, error)
                errors.append(error)
        if len(errors) == 1 and isinstance(errors[0], Exception):
            raise errors[0]
        if errors:
            raise LeftBehindError("; ".join(repr(error) for error in errors))

    def _do_remaining_cleanups(self, capture_sink: Any = None) -> None:
        """End the run: layers that an abort left, cleanups of the test run, the last census, the session.

        behave calls this after the `after_all` hook.
        """
        problems: list[str] = []
        session = self._session()
        # A signal from here on is stored: an interrupted clean-up would leave processes behind.
        with self._interruption.may_break_in(allowed=False):
            self._attempt(lambda: super(HarnessContext, self)._do_remaining_cleanups(capture_sink), "cleanup", problems)
            if (before := self._root.get(_CENSUS)) is not None:
                self._attempt(lambda: problems.extend(self._leaks_since(before, session)), "census", problems)
            remove_temporary_folder()
            self._runner.run_problems += problems
            if session is not None:
                failed = bool(self._root["failed"] or self.aborted or self._runner.has_problems())
                session.journal.record(
                    "run_ended",
                    verdict="failed" if failed else "passed",
                    problems=self._runner.run_problems,
                    reason=self._why_ended(),
                )
                session.close()
        _print(problems)
        if problems:
            raise LeftBehindError("\n".join(problems))

    def _end_scenario(
        self, scenario: Scenario, layer: dict[str, Any], session: Session | None, problems: list[str]
    ) -> None:
        # The census comes after the daemons have ended, or each of them would be a leak.
        if session is not None:
            self._attempt(lambda: problems.extend(session.end_scenario()), "ending the scenario", problems)
        self._attempt(lambda: problems.extend(self._leaks_since(layer[_CENSUS], session)), "census", problems)
        if self._interruption.number is not None and not self.aborted:
            problems.append(f"{self._interruption.reason} while the scenario was ending; its cleanups were completed")
            self.abort(reason=self._interruption.reason)
        failed = bool(problems) or scenario.status.has_failed()
        self._ended_scenario = scenario
        if problems:
            _report(scenario, problems)
            self._set_root_attribute("failed", True)  # noqa: FBT003 - behave's own signature
        if session is None:
            return
        # The after_step hook records the steps that ran; these did not, and the report shows all.
        for step in scenario.all_steps:
            if step.status in {Status.undefined, Status.skipped, Status.untested}:
                session.journal.record("step", **describe_step(step))
        session.journal.record(
            "scenario_ended",
            scenario=scenario.name,
            status=Status.failed.name if failed else scenario.status.name,
            duration_ms=round((time.monotonic() - layer[_STARTED]) * 1000, 3),
            reason=scenario.skip_reason or "\n".join(problems) or None,
        )
        session.scenario_judged(failed=failed)

    def _leaks_since(self, before: Census, session: Session | None) -> list[str]:
        taker = self._taker()
        spare = session.expected_processes() if session else set()
        orphans = session.expected_orphans() if session else set()
        leaks = taker.extra_since(before, expected=spare | orphans).leaks()
        if session is not None:
            for leak in leaks:
                session.journal.record("leak", leak=leak.kind, what=leak.what, pid=leak.pid, port=leak.port)
        problems = [str(leak) for leak in leaks]
        if leaks or orphans:
            problems += taker.sweep(before, spare=spare)
        return problems

    def _taker(self) -> CensusTaker:
        session = self._session()
        return CensusTaker(
            sandbox.current(),
            session.run_folder if session else None,
            list(getattr(session, "cgroup_roots", [])),
        )

    def _session(self) -> Session | None:
        session: Session | None = self._root.get("session")
        return session

    def _why_ended(self) -> str | None:
        return self._interruption.reason if self._interruption.number is not None else None

    @staticmethod
    def _attempt(action: Callable[[], Any], what: str, problems: list[str]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - it is a named problem of this layer from here on
            problems.append(f"{what} failed: {type(error).__name__}: {error}")


def use_temporary_folder(run_folder: Path) -> None:
    """Make `tempfile` use a folder below the run folder, where the census sees what is left."""
    temporary = run_folder / TEMPORARY_FOLDER
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)


def remove_temporary_folder() -> None:
    """Undo `use_temporary_folder`; what was left there has been reported and removed."""
    if tempfile.tempdir is not None and Path(tempfile.tempdir).name == TEMPORARY_FOLDER:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
        tempfile.tempdir = None


def describe_step(step: Any) -> dict[str, Any]:
    """Return the journal entry of one step."""
    return {
        "keyword": step.keyword,
        "type": step.step_type,
        "sentence": step.name,
        "status": step.status.name,
        "ms": round(step.duration * 1000, 3),
        "error": step.error_message,
    }


def _report(statement: Any, problems: list[str]) -> None:
    """Attach problems to a scenario, rule or feature for the reporters, and print them: formatters show only steps."""
    if problems:
        known = [statement.error_message] if statement.error_message else []
        statement.store_exception_context(LeftBehindError("\n".join(problems)))
        statement.error_message = "\n".join([*known, *problems])
        _print(problems)


def _print(problems: list[str]) -> None:
    for problem in problems:
        print(f"    FAILED AT ITS END: {problem}")  # noqa: T201 - output for the user, as behave's own
