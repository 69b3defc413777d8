"""The worker as a program: `python -m daemons.worker --config FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemons.common.entry import main

if TYPE_CHECKING:
    from daemons.common.daemon import Daemon


def build(flags: Sequence[str]) -> Daemon:
    """Make the worker; a bad configuration or model file ends it here, before it listens."""
    from daemons.common.config import ConfigSource
    from daemons.worker.app import create_app
    from daemons.worker.config import WorkerConfig
    from daemons.worker.worker import Worker

    source = ConfigSource(WorkerConfig, flags)
    return Worker(source.load(), create_app, source)


if __name__ == "__main__":
    main("worker", build)
