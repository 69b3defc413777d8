"""A file that is refused at SIGHUP is refused without a word about what is wrong in it.

Imagined, next to REAL_BUGS 35. Nothing changes and nothing ends; the operator looks for the key by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.config import ConfigError

ROLE = "hive"
PATCHES = "daemons.common.config:ConfigSource.load"
CAUGHT_BY = ["features/processes/running.feature::SIGHUP with a bad file changes nothing"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One sentence for all of them."""

    def load(self: Any) -> Any:
        try:
            return original(self)
        except ConfigError:
            raise ConfigError(["the configuration is not valid"]) from None

    return load
