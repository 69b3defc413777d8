"""beehave.toml and what may be laid over it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from beehave.errors import HarnessError
from beehave.settings import filled_in, load_settings
from cluster.durations import Durations

PROJECT = Path(__file__).parents[2]


def write(folder: Path, change: tuple[str, str] = ("", "")) -> Path:
    text = (PROJECT / "beehave.toml").read_text(encoding="utf-8").replace(*change)
    (folder / "beehave.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_interpreter_is_filled_in():
    settings = load_settings(PROJECT, {})
    assert filled_in(settings.role("queen").command) == [sys.executable, "-m", "daemons.queen"]


def test_a_command_line_can_be_given_by_userdata(tmp_path):
    settings = load_settings(write(tmp_path), {"daemon.hive": "/opt/other/hive --flag 'two words'"})
    assert settings.role("hive").command == ["/opt/other/hive", "--flag", "two words"]
    assert settings.role("queen").command[1:] == ["-m", "daemons.queen"]


def test_another_file_can_be_named(tmp_path):
    write(tmp_path, ("heartbeat_ms = 500", "heartbeat_ms = 250")).joinpath("beehave.toml").rename(tmp_path / "x.toml")
    assert load_settings(tmp_path, {"config": "x.toml"}, durations=Durations).durations.heartbeat_ms == 250


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("heartbeat_ms = 500", "heartbeat_ms = -1"),
            r"durations.heartbeat_ms: Input should be greater than 0, got -1",
        ),
        (("heartbeat_ms = 500", "heart_ms = 500"), r"durations.heart_ms: Extra inputs are not permitted"),
        (("heartbeat_ms = 500", "heartbeat_ms = "), r"beehave.toml is not TOML"),
        (('command = ["{python}", "-m", "daemons.queen"]', ""), r"daemons.queen.command: Field required"),
        (
            ('command = ["{python}", "-m", "daemons.queen"]', "command = '{python} -m \"two words\"'"),
            r'daemons.queen.command: write it as a list of words: \["{python}", "-m", "two words"\]',
        ),
        (('ready = "/health"', 'reedy = "/health"'), r"daemons.queen.reedy: no such key; did you mean: ready\?"),
        (('ready = "/health"', 'ready = "soon"'), r"daemons.queen.ready: .*`port`, `log: TEXT` or `file: PATH`"),
        (('ready = "/health"', 'exits = ["TERM"]'), r"daemons.queen.exits.0.*the name of a signal like SIGTERM"),
        (("[families]", "[familys]"), r"familys: no such table; did you mean: families\?"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, message):
    with pytest.raises(HarnessError, match=message):
        load_settings(write(tmp_path, change), {}, durations=Durations)


@pytest.mark.parametrize("table", ["daemons", "durations", "families", "proof"])
def test_a_value_in_place_of_a_table_is_named(tmp_path, table):
    (tmp_path / "beehave.toml").write_text(f"{table} = 5", encoding="utf-8")
    with pytest.raises(HarnessError, match=f"beehave.toml: {table}: "):
        load_settings(tmp_path, {"daemon.web": "x", "durations.drain_ms": "1"})


def test_a_missing_file_is_named_and_what_to_write(tmp_path):
    with pytest.raises(HarnessError, match=r"no settings file beehave.toml .*(?s:.*)\[daemons.web\]") as caught:
        load_settings(tmp_path, {})
    (tmp_path / "beehave.toml").write_text(str(caught.value).partition("\n")[2], encoding="utf-8")
    assert load_settings(tmp_path, {}).role("web").exits == ["SIGTERM"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("daemon.quen", r"-D daemon.quen: beehave.toml has no \[daemons.quen\]; did you mean: queen\?"),
        ("daemon.x", r"-D daemon.x: .*; there is: queen, hive, worker"),
        ("durations.heart_ms", r"durations.heart_ms: Extra inputs are not permitted, got '1'"),
    ],
)
def test_what_nobody_has_cannot_be_laid_over(key, message):
    with pytest.raises(HarnessError, match=message):
        load_settings(PROJECT, {key: "1"}, durations=Durations)
