"""What every daemon does with its configuration, its background work and requests to stop."""

from __future__ import annotations

import asyncio

import pytest

from daemons.common.config import ConfigSource, DaemonConfig, Log
from daemons.common.daemon import Address, Daemon
from daemons.common.exits import ExitStatus, FatalError

pytestmark = pytest.mark.anyio


class Role(Daemon):
    role = "hive"

    async def apply_config(self, config, changed):
        if "listen.port" in changed:
            raise ZeroDivisionError
        return {key for key in changed if key.startswith("durations.")}


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "role.toml"
    path.write_text("")
    return path


@pytest.fixture
def daemon(toml):
    source = ConfigSource(DaemonConfig, ["--config", str(toml)])
    return Role(name="hive-1", config=source.load(), source=source)


async def test_a_reload_holds_what_was_applied_and_nothing_else(daemon, toml):
    toml.write_text('[durations]\ndrain_ms = 5\n[log]\nlevel = "error"\n[listen]\nhost = "127.0.0.9"\n')
    await daemon.reload()
    assert daemon.durations.drain_ms == 5
    assert daemon.config.log == Log(level="error")
    assert daemon.config.listen.host == "127.0.0.1"


@pytest.mark.parametrize("text", ["[listen\n", "[durations]\ndrain_ms = 0\nlease_ms = 20000\n", "[listen]\nport = 7\n"])
async def test_a_reload_that_fails_changes_nothing_and_ends_nothing(daemon, toml, text):
    before = daemon.config
    toml.write_text(text)
    await daemon.reload()
    toml.unlink()
    await daemon.reload()
    assert daemon.config == before
    assert daemon.shutdown is None


async def test_a_daemon_without_a_source_ignores_a_reload():
    await Role(name="hive-1", config=DaemonConfig()).reload()


@pytest.mark.parametrize(
    ("error", "status"),
    [(ZeroDivisionError(), ExitStatus.INTERNAL), (FatalError(ExitStatus.DATA, "x"), ExitStatus.DATA)],
)
async def test_half_a_daemon_ends(daemon, error, status):
    async def work() -> None:
        raise error

    daemon.background(work(), "work")
    async with asyncio.timeout(1):
        shutdown = await daemon.wait_for_shutdown()
    assert (shutdown.status, shutdown.drain) == (status, False)


async def test_the_first_request_to_stop_counts(daemon):
    daemon.request_shutdown("one", scope="cluster")
    daemon.fail(FatalError(ExitStatus.DATA, "x"))
    shutdown = await daemon.wait_for_shutdown()
    assert (shutdown.reason, shutdown.scope, shutdown.status) == ("one", "cluster", ExitStatus.STOPPED)


async def test_background_work_ends_with_the_daemon(daemon):
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    daemon.background(work(), "work")
    await asyncio.sleep(0)
    await daemon.cancel_background()
    assert ended.is_set()
    assert daemon.shutdown is None


def test_an_address_is_a_url():
    assert Address("127.0.0.1", 80).url == "http://127.0.0.1:80"
    assert Address("::1", 80).url == "http://[::1]:80"


def test_identities_are_distinct():
    one, two = (Role(name="hive-1", config=DaemonConfig()).identity for _ in range(2))
    assert one.instance != two.instance
    assert (one.pid, one.start_ticks) == (two.pid, two.start_ticks)
