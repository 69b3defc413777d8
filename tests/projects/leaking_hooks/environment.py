"""Hooks that start daemons for a feature and for the whole run, and end neither."""

from daemon_starter import start_daemon

from harness import hooks
from harness.hooks import after_step, before_scenario


def before_all(context):
    hooks.before_all(context)
    start_daemon(context, "new-session")


def before_feature(context, feature):
    start_daemon(context, "double-fork")
