"""What all tests begin with."""

from __future__ import annotations

import signal

import pytest

from daemons.common.logs import set_level

# nohup, and shells for background jobs, start a program with these ignored, and tests send them to themselves.
for _number, _default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)


@pytest.fixture(autouse=True)
def log_level_of_production() -> None:
    """Let each test begin with the default log level: a daemon run inside a test may have set another one."""
    set_level("info")
