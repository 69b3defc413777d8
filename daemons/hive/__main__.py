"""`python -m daemons.hive`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemons.common.entry import main

if TYPE_CHECKING:
    from daemons.common.daemon import Daemon


def build(flags: Sequence[str]) -> Daemon:
    """Return the hive for these flags. Raises FatalError."""
    from daemons.common.config import ConfigSource
    from daemons.hive.app import create_hive_api
    from daemons.hive.config import HiveConfig
    from daemons.hive.datafolder import DataFolder
    from daemons.hive.hive import Hive

    source = ConfigSource(HiveConfig, flags)
    config = source.load().checked()
    folder = DataFolder(config.data_dir)
    folder.open()
    return Hive(config, folder, create_hive_api, source)


if __name__ == "__main__":
    main("hive", build)
