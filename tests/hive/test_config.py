"""The configuration of a hive: what it accepts, and what it refuses."""

from __future__ import annotations

import sys

import pytest

from daemons.common.config import ConfigError, ConfigSource
from daemons.common.exits import FatalError
from daemons.common.wire import ID_PATTERN
from daemons.hive.config import HiveConfig, _node_name, is_loopback


def load(*flags: str) -> HiveConfig:
    return ConfigSource(HiveConfig, flags).load()


def test_defaults():
    config = load()
    assert (config.listen.host, config.listen.port) == ("127.0.0.1", 9200)
    assert config.worker.command == (sys.executable, "-m", "daemons.worker")
    assert (config.worker.slots, config.worker.token_interval_ms, config.worker.restart) == (2, 20, "on-failure")
    assert config.queen.url is config.hub.url is None


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("worker.command", "[]", "name a program"),
        ("worker.command", '[""]', "name a program"),
        ("worker.host", "10.0.0.1", "loopback"),
        ("worker.slots", "0", "greater than or equal to 1"),
        ("worker.slots", "1025", "less than or equal to 1024"),
        ("worker.restart", "sometimes", "on-failure"),
        ("queen.url", "127.0.0.1:8080", "base URL"),
        ("hub.url", "http://hub/models?x", "base URL"),
        ("hive_id", "-h", "pattern"),
        ("worker.slot", "1", "did you mean worker.slots?"),
    ],
)
def test_what_is_refused(flag, value, said):
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        load(f"--{flag}", value)


@pytest.mark.parametrize(
    ("listen", "worker", "expected"),
    [
        ("127.1.2.1", None, "127.1.2.1"),
        ("127.1.2.1", "127.1.2.9", "127.1.2.9"),
        ("0.0.0.0", None, "127.0.0.1"),
        ("10.1.2.3", None, "127.0.0.1"),
    ],
)
def test_workers_listen_on_loopback_only(listen, worker, expected):
    flags = ["--listen.host", listen] + ([] if worker is None else ["--worker.host", worker])
    assert load(*flags).worker_host == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("node", False)],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("name", ["node-1", "_node", "-", "knoten ä", "x" * 200])
def test_the_nodes_name_is_fit_for_an_id(monkeypatch, name):
    import re

    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert re.match(ID_PATTERN, _node_name())


def test_the_program_must_be_there(tmp_path):
    assert load().checked()
    with pytest.raises(FatalError, match="is not found"):
        load("--worker.command", '["no-such-program-anywhere"]').checked()
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(FatalError, match="cannot be executed"):
        load("--worker.command", f'["{plain}"]').checked()
