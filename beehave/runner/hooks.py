"""behave's hooks: they open the run's session, begin each scenario, and record each step.

Nothing ends here: a scenario has ended only after its last cleanup, which comes after every hook
(`beehave.runner.context`).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from behave.model import Scenario, Step

from beehave import sandbox
from beehave.errors import HarnessError
from beehave.machine import capabilities
from beehave.runner.context import HarnessContext, describe_step, use_temporary_folder
from beehave.runner.runner import RUN_FOLDER
from beehave.session import Session
from beehave.world import World, WorldLike


class Hooks(NamedTuple):
    """The three hooks, under behave's own names."""

    before_all: Callable[[Any], None]
    before_scenario: Callable[[Any, Scenario], None]
    after_step: Callable[[Any, Step], None]


def hooks(world: type[WorldLike] = World) -> Hooks:
    """Return behave's hooks for a project whose scenarios share a `world`: `context.world` in its steps.

    from beehave import hooks
    before_all, before_scenario, after_step = hooks(World)
    """

    def before_all(context: Any) -> None:
        """Open the session, in the folder that holds environment.py."""
        _open_session(context, world)

    return Hooks(before_all, before_scenario, after_step)


def _open_session(context: Any, world: type[WorldLike]) -> None:
    if not isinstance(context, HarnessContext):  # nothing would be judged, and no daemon ended
        raise HarnessError(
            'this run has behave\'s own runner: write runner = "beehave:HarnessRunner" below [tool.behave] in '
            "pyproject.toml, or give --runner=beehave:HarnessRunner"
        )
    context.config.setup_logging()  # what behave's own before_all does
    info = sandbox.current()
    userdata = context.config.userdata
    folder = userdata.get("run_folder")  # given by the caller of one run of many, which places the reports
    session = Session.open(
        Path(context.config.base_dir).resolve(),
        userdata,
        info,
        world=world,
        run_folder=Path(folder).resolve() if folder else None,
    )
    context.session = session
    sandbox.report_to_launcher(**{RUN_FOLDER: str(session.run_folder)})
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
    """Skip a scenario whose needed capabilities are missing, else make its world."""
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
        scenario.skip_reason = reason  # skip() would log a reason once more
        return
    context.world = session.begin_scenario(scenario.name, set(scenario.effective_tags))
    context.daemons = session.daemons


def after_step(context: Any, step: Step) -> None:
    """Record the step in the journal."""
    context.session.journal.record("step", **describe_step(step))
