"""Hooks that start daemons for a feature and for the whole run, and end neither."""

from daemon_starter import start_daemon

from beehave import hooks

kit = hooks()
before_scenario, after_step = kit.before_scenario, kit.after_step


def before_all(context):
    kit.before_all(context)
    start_daemon(context, "new-session")


def before_feature(context, feature):
    start_daemon(context, "double-fork")
