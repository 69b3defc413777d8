"""`python -m daemons.queen [--config FILE] [--section.key VALUE …]`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemons.common.entry import main

if TYPE_CHECKING:
    from daemons.common.daemon import Daemon


def build(flags: Sequence[str]) -> Daemon:
    """The queen that the flags, the environment and the configuration file ask for."""
    from daemons.common.config import ConfigSource
    from daemons.queen.config import QueenConfig
    from daemons.queen.queen import Queen

    source = ConfigSource(QueenConfig, flags)
    return Queen(source.load(), source)


if __name__ == "__main__":
    main("queen", build)
