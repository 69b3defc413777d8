"""Configuration: which source wins, and that every error is told at once, with key, expectation, value and origin."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daemons.common.config import (
    ConfigError,
    ConfigSource,
    DaemonConfig,
    Listen,
    Section,
    changed_keys,
    known_keys,
    with_values,
)
from daemons.common.durations import Durations
from daemons.common.exits import ExitStatus


class Part(Section):
    words: list[str] = Field(default_factory=list)
    size: int = Field(default=1, ge=1)


class Example(DaemonConfig):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    listen: Listen = Listen(port=8080)
    data_dir: Path = Path("data")
    part: Part = Part()
    must: str = "x"


class Demanding(DaemonConfig):
    must: str


@pytest.fixture
def toml(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "example.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def load(*argv: str, model: type[DaemonConfig] = Example) -> DaemonConfig:
    return ConfigSource(model, argv).load()


def problems(*argv: str, model: type[DaemonConfig] = Example) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*argv, model=model)
    assert caught.value.status is ExitStatus.USAGE
    assert "\n" not in caught.value.message
    return caught.value.problems


def test_defaults():
    config = load()
    assert (config.listen.host, config.listen.port, config.durations.heartbeat_ms) == ("127.0.0.1", 8080, 5000)


def test_toml_below_environment_below_flags(toml, monkeypatch):
    path = toml('must = "file"\n[listen]\nhost = "127.0.0.2"\nport = 1\n[part]\nsize = 1\n')
    monkeypatch.setenv("EXAMPLE_LISTEN__PORT", "2")
    monkeypatch.setenv("EXAMPLE_PART__SIZE", "2")
    config = load("--config", path, "--part.size", "3")
    assert (config.must, config.listen.host, config.listen.port, config.part.size) == ("file", "127.0.0.2", 2, 3)


@pytest.mark.parametrize("argv", [["--part.words", '["a", "b"]'], ['--part.words=["a", "b"]']])
def test_a_list_is_a_json_array(argv):
    assert load(*argv).part.words == ["a", "b"]


def test_a_model_built_by_hand_takes_nothing_from_the_environment(monkeypatch):
    monkeypatch.setenv("EXAMPLE_MUST", "environment")
    assert Example().must == "x"


def test_every_error_at_once_with_key_value_and_origin(toml, monkeypatch):
    path = toml('[listen]\nport = "many"\nhots = "x"\n[log]\nlevel = "loud"\n')
    monkeypatch.setenv("EXAMPLE_PART__SIZE", "0")
    found = problems("--config", path, "--data_dri", "/x")
    assert len(found) == 5
    told = "\n".join(sorted(found))
    assert "data_dri: unknown key (flag), did you mean data_dir?" in told
    assert "listen.hots: unknown key (example.toml), did you mean listen.host?" in told
    assert (
        "listen.port: should be a valid integer, unable to parse string as an integer, got 'many' (example.toml)"
        in told
    )
    assert "log.level: should be 'debug', 'info', 'warning' or 'error', got 'loud' (example.toml)" in told
    assert "part.size: should be greater than or equal to 1, got '0' (environment)" in told


def test_a_missing_key():
    assert problems(model=Demanding) == ["must: is missing"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[listen", "is not valid TOML"),
        ("listen = 1", "listen: should be a valid dictionary"),
        ("[durations]\nlease_ms = 1", "lease_ms (1) must be at least two heartbeats"),
    ],
)
def test_a_file_that_cannot_be_used(toml, text, said):
    assert said in problems("--config", toml(text))[0]


def test_a_file_that_is_not_there(tmp_path):
    assert "cannot be read: No such file" in problems("--config", str(tmp_path / "no.toml"))[0]


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["serve"], "unexpected argument 'serve'"), (["--listen.port"], "--listen.port: a value is missing")],
)
def test_bad_flags(argv, said):
    assert said in problems(*argv)[0]


def test_an_environment_value_that_is_no_json(monkeypatch):
    monkeypatch.setenv("EXAMPLE_PART", "{")
    assert problems()[0].startswith("environment: ")


def test_changed_keys():
    new = Example(listen=Listen(port=1), part=Part(words=["a"]))
    assert changed_keys(Example(), new) == ["listen.port", "part.words"]


def test_with_values():
    new = Example(listen=Listen(port=1), part=Part(words=["a"]), must="new")
    held = with_values(Example(), new, ["listen.port", "must"])
    assert (held.listen.port, held.part.words, held.must) == (1, [], "new")


def test_known_keys():
    assert {"listen.port", "durations.heartbeat_ms", "part.words", "data_dir"} <= set(known_keys(Example))


@pytest.mark.parametrize(
    "values", [{"heartbeat_ms": 10_000}, {"orphan_grace_ms": 100}, {"drain_ms": 0}, {"probe_strikes": -1}, {"x": 1}]
)
def test_durations_that_do_not_hold_together(values):
    with pytest.raises(ValueError, match="Durations"):
        Durations(**values)
