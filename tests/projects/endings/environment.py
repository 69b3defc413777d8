"""The kit's hooks, and two that fail when a scenario's tag says so."""

from daemon_starter import start_daemon

from beehave import hooks

kit = hooks()
before_all, after_step = kit.before_all, kit.after_step


def before_scenario(context, scenario):
    kit.before_scenario(context, scenario)
    if "breaks_before_scenario" in scenario.tags:
        start_daemon(context, "double-fork", "ignore-term")
        raise RuntimeError("the hook before_scenario is broken")


def after_scenario(context, scenario):
    if "breaks_after_scenario" in scenario.tags:
        raise RuntimeError("the hook after_scenario is broken")
