"""behave's hooks: they open the run's session, begin each scenario, and write down each step.

Ends are not here: a scenario has ended only after its last cleanup, which comes after every hook (`harness.layers`).
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

from behave.model import Scenario, Step

from harness import capabilities, sandbox
from harness.layers import describe_step, use_temporary_folder
from harness.runner import RUN_FOLDER
from harness.session import Session


def before_all(context: Any) -> None:
    """Open the session, in the folder that holds environment.py."""
    context.config.setup_logging()  # what behave's own before_all does
    info = sandbox.current()
    userdata = context.config.userdata
    folder = userdata.get("run_folder")  # for a run that is one of many: its reports are its caller's to place
    session = Session.open(
        Path(context.config.base_dir), userdata, info, run_folder=Path(folder).resolve() if folder else None
    )
    context.session = session
    sandbox.tell_launcher(**{RUN_FOLDER: str(session.run_folder)})
    use_temporary_folder(session.run_folder)
    session.journal.record(
        "run_started",
        sandbox=str(info.kind),
        reason=info.reason or None,
        network="private" if info.private_network else "shared",
        entered_ms=info.entered_ms,
        launcher_pid=info.launcher_pid,
        python=platform.python_version(),
        seed=session.seed,
        shuffle=userdata.get("shuffle"),
        argv=sys.argv,
    )


def before_scenario(context: Any, scenario: Scenario) -> None:
    """Skip a scenario whose needs this machine cannot meet, else make its world."""
    session: Session = context.session
    session.journal.record(
        "scenario_started",
        scenario=scenario.name,
        feature=scenario.feature.name,
        location=str(scenario.location),
        tags=sorted(scenario.effective_tags),
    )
    if reason := capabilities.missing(scenario.effective_tags):
        print(f"    SKIPPED: {scenario.name}: {reason}")  # noqa: T201 - loudly, at once; also in the closing lines
        scenario.skip()
        scenario.skip_reason = reason  # given to skip(), it would be logged once more
        return
    context.world = session.begin_scenario(scenario.name, set(scenario.effective_tags))


def after_step(context: Any, step: Step) -> None:
    """Write the step down."""
    context.session.journal.record("step", **describe_step(step))
