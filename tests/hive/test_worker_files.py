"""A worker's files: the configuration that the hive writes, and the last message in its log."""

from __future__ import annotations

import stat
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from daemons.hive.workers.files import WorkerFiles, toml_text

plain = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
values = st.one_of(
    plain,
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(plain),
)
keys = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
tables = st.dictionaries(keys, st.one_of(values, st.dictionaries(keys, values, min_size=1, max_size=4)), max_size=6)


@given(tables)
def test_what_is_written_is_what_is_read(settings):
    assert tomllib.loads(toml_text(settings)) == settings


def test_none_is_left_out():
    assert tomllib.loads(toml_text({"a": None, "b": {"c": 1, "d": None}})) == {"b": {"c": 1}}


def files(folder) -> WorkerFiles:
    made = WorkerFiles(folder)
    made.prepare()
    return made


def test_configuration_is_private_and_replaced_whole(tmp_path):
    made = files(tmp_path)
    made.write_config("w", {"instance": "one"})
    path = made.write_config("w", {"instance": "two"})
    assert tomllib.loads(path.read_text()) == {"instance": "two"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    made.remove_config("w")
    made.remove_config("w")
    assert not path.exists()


def test_last_lines_are_those_of_this_process_alone(tmp_path):
    made = files(tmp_path)
    log = made.log_path("w")
    log.write_text("of the process before\n")
    began = log.stat().st_size
    with log.open("a") as file:
        file.write("".join(f"line {n}\n" for n in range(20)))
    assert made.last_lines("w", since=began, count=3) == ["line 17", "line 18", "line 19"]
    assert made.last_lines("w", since=log.stat().st_size) == []
    assert made.last_lines("unknown", since=0) == []


def test_last_message_are_for_people_and_name_no_host_path(tmp_path):
    made = files(tmp_path)
    lines = ['{"event": "listening"}', f"worker: the file {tmp_path}/models/x is short", '{"event": "stopped"}']
    assert made.last_message(lines) == "worker: the file models/x is short"
    assert made.last_message(['{"event": "listening"}']) is None
    assert len(made.last_message(["x" * 5_000]) or "") < 500
