"""What all tests begin with."""

from __future__ import annotations

import pytest

from daemons.common.logs import set_level


@pytest.fixture(autouse=True)
def log_level_of_production() -> None:
    """Let each test begin with the default log level: a daemon run inside a test may have set another one."""
    set_level("info")
