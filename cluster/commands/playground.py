"""A cluster in a sandbox for the harness's own commands, outside of any scenario."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beehave import sandbox
from beehave.errors import HarnessError
from beehave.session import Session
from cluster.world import CLUSTER_TAG, World


@contextmanager
def playground(project: Path, *, hives: int = 0, workers_each: int = 0) -> Iterator[World]:
    """Start a cluster, yield its world, and end it; what the caller does then goes on inside the sandbox.

    Raises:
        HarnessError: the daemons did not end as they should.
    """
    if sandbox.current().kind is sandbox.SandboxKind.NONE:
        sandbox.enter(sandbox.requested_mode(None), lambda _: None)
    with tempfile.TemporaryDirectory(prefix="beehave-") as scratch:
        session = Session.open(project, {}, sandbox.current(), world=World, run_folder=Path(scratch))
        try:
            world = session.begin_scenario("playground", {CLUSTER_TAG})
            assert isinstance(world, World)
            if hives:
                world.hives.start(hives, workers_each=workers_each)
            yield world
        finally:
            problems = session.end_scenario()
            session.close()
    if problems:
        raise HarnessError("\n".join(problems))
