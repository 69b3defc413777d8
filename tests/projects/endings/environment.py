"""The harness's hooks, and two that fail when a scenario's tag says so."""

from daemon_starter import start_daemon

from harness import hooks
from harness.hooks import after_step, before_all


def before_scenario(context, scenario):
    hooks.before_scenario(context, scenario)
    if "breaks_before_scenario" in scenario.tags:
        start_daemon(context, "double-fork", "ignore-term")
        raise RuntimeError("the hook before_scenario is broken")


def after_scenario(context, scenario):
    if "breaks_after_scenario" in scenario.tags:
        raise RuntimeError("the hook after_scenario is broken")
