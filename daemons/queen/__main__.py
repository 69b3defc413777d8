"""The queen as a program: `python -m daemons.queen [--config FILE] [--section.key VALUE ...]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemons.common.entry import main

if TYPE_CHECKING:
    from daemons.common.daemon import Daemon


def build(flags: Sequence[str]) -> Daemon:
    """Make the queen; a bad configuration or data folder ends it here, before it listens."""
    from daemons.common.config import ConfigSource
    from daemons.queen.app import create_app
    from daemons.queen.config import QueenConfig
    from daemons.queen.queen import Queen
    from daemons.queen.store import make_data_folder

    source = ConfigSource(QueenConfig, flags)
    config = source.load()
    make_data_folder(config.data_dir)
    return Queen(config, create_app, source)


if __name__ == "__main__":
    main("queen", build)
