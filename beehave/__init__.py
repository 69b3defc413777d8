"""Drive real daemons with behave: start them, break them for real, and observe what they do.

A project's `environment.py` needs two lines:

    from beehave import hooks
    before_all, before_scenario, after_step = hooks()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beehave.daemon import Daemon
    from beehave.daemons import Daemons
    from beehave.errors import HarnessError
    from beehave.faults.base import Fault, FaultError, FaultStack
    from beehave.http import Answer, Client
    from beehave.journal import Journal
    from beehave.runner.hooks import hooks
    from beehave.runner.runner import HarnessRunner
    from beehave.world import ScenarioInfo, World

__all__ = [
    "Answer",
    "Client",
    "Daemon",
    "Daemons",
    "Fault",
    "FaultError",
    "FaultStack",
    "HarnessError",
    "HarnessRunner",
    "Journal",
    "ScenarioInfo",
    "World",
    "hooks",
]
_HOMES = {
    "Answer": "http",
    "Client": "http",
    "Daemon": "daemon",
    "Daemons": "daemons",
    "Fault": "faults.base",
    "FaultError": "faults.base",
    "FaultStack": "faults.base",
    "HarnessError": "errors",
    "HarnessRunner": "runner.runner",
    "Journal": "journal",
    "ScenarioInfo": "world",
    "World": "world",
    "hooks": "runner.hooks",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the proxy and the load generator do without behave."""
    if name not in _HOMES:
        raise AttributeError(f"module 'beehave' has no attribute {name!r}")
    return getattr(import_module(f"beehave.{_HOMES[name]}"), name)
