"""A before_all that fails after it has opened the session and started a daemon."""

from daemon_starter import start_daemon

from beehave import hooks

kit = hooks()


def before_all(context):
    kit.before_all(context)
    start_daemon(context, "double-fork", "ignore-term")
    raise RuntimeError("the hook before_all is broken")
