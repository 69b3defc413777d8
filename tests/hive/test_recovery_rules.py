"""The decisions of recovery, by tables: what is damage, what may be listed, the name of a quarantined file."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest

from daemons.hive.recovery.damage import DamageKind, Findings, judge, judge_error
from daemons.hive.recovery.model_files import FoundFile, header_fits
from daemons.hive.recovery.quarantine import quarantine_name
from daemons.hive.recovery.salvage import settle, sound_model, sound_worker
from daemons.hive.refs import model_path, ref_of_file
from daemons.hive.store import APPLICATION_ID, TABLES, StoredModel

BOTH = frozenset(TABLES)
A, B = StoredModel("a:1b", 10, "a" * 64, 1), StoredModel("b:1b", 20, "b" * 64, 2)
FILES = {"a:1b": FoundFile(10, 5), "b:1b": FoundFile(20, 6)}
SHA = "c" * 64


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (Findings(APPLICATION_ID, 1, BOTH, "ok"), None),
        (Findings(APPLICATION_ID, 99, BOTH | {"later"}, "ok"), None),  # a newer program's: refused, not repaired
        (Findings(0, 0, frozenset(), "ok"), DamageKind.EMPTIED),
        (Findings(APPLICATION_ID, 1, frozenset(), "ok"), DamageKind.EMPTIED),
        (Findings(APPLICATION_ID, 1, frozenset({"workers"}), "ok"), DamageKind.EMPTIED),
        (Findings(0, 1, BOTH, "ok"), DamageKind.FOREIGN),
        (Findings(7, 3, frozenset({"bookmarks"}), "ok"), DamageKind.FOREIGN),
        (Findings(APPLICATION_ID, 1, BOTH, "Tree 4 page 4: never used"), DamageKind.CORRUPT),
    ],
)
def test_what_counts_as_damage(found, kind):
    damage = judge(found, application_id=APPLICATION_ID, tables=TABLES)
    assert (damage.kind if damage else None) == kind
    assert damage is None or damage.message


@pytest.mark.parametrize(
    ("code", "exists", "kind"),
    [
        (sqlite3.SQLITE_CORRUPT, True, DamageKind.CORRUPT),
        (sqlite3.SQLITE_CORRUPT | (1 << 8), True, DamageKind.CORRUPT),  # an extended code, SQLITE_CORRUPT_VTAB
        (sqlite3.SQLITE_NOTADB, True, DamageKind.CORRUPT),
        (sqlite3.SQLITE_CANTOPEN, False, DamageKind.MISSING),
        (sqlite3.SQLITE_CANTOPEN, True, None),
        (sqlite3.SQLITE_BUSY, True, None),
        (sqlite3.SQLITE_IOERR, True, None),
        (sqlite3.SQLITE_FULL, True, None),
        (sqlite3.SQLITE_READONLY, True, None),
    ],
)
def test_which_errors_say_that_the_file_is_damaged(code, exists, kind):
    error = sqlite3.DatabaseError("its own words")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_X"
    damage = judge_error(error, exists=exists)
    assert (damage.kind if damage else None) == kind
    assert damage is None or (damage.code, damage.message) == ("SQLITE_X", "its own words")


@pytest.mark.parametrize(
    ("salvaged", "remembered", "files", "expected"),
    [
        pytest.param({"a:1b": A, "b:1b": B}, {"a:1b": A, "b:1b": B}, FILES, ([A, B], 2, 0, []), id="all is readable"),
        pytest.param({"a:1b": A}, {"a:1b": A, "b:1b": B}, FILES, ([A, B], 1, 1, []), id="half is readable"),
        pytest.param({}, {"a:1b": A, "b:1b": B}, FILES, ([A, B], 0, 2, []), id="nothing is readable"),
        pytest.param({"a:1b": StoredModel("a:1b", 10, SHA, 1)}, {"a:1b": A}, FILES, ([A], 0, 1, []), id="memory leads"),
        pytest.param({"a:1b": A}, {"a:1b": A}, {}, ([], 0, 0, ["a:1b"]), id="no file, no row"),
        pytest.param({}, {"a:1b": A}, {"a:1b": FoundFile(9, 5)}, ([], 0, 0, ["a:1b"]), id="a file of another length"),
        pytest.param({"b:1b": B}, {"a:1b": A}, FILES, ([A], 0, 1, []), id="what a running hive has removed stays gone"),
        pytest.param({"a:1b": A}, None, {"a:1b": FILES["a:1b"]}, ([A], 1, 0, []), id="at a start: the salvaged row"),
        pytest.param(
            {}, None, {"a:1b": FoundFile(10, 5, SHA)}, ([StoredModel("a:1b", 10, SHA, 5)], 0, 1, []),
            id="at a start: the file vouches for itself",
        ),
        pytest.param({}, None, FILES, ([], 0, 0, ["a:1b", "b:1b"]), id="at a start: nothing vouches for them"),
        pytest.param(
            {"a:1b": B}, None, {"a:1b": FoundFile(10, 5, SHA)}, ([StoredModel("a:1b", 10, SHA, 5)], 0, 1, []),
            id="at a start: the file belies the row",
        ),
    ],
)  # fmt: skip
def test_what_a_rebuilt_catalog_lists(salvaged, remembered, files, expected):
    settled = settle(salvaged, remembered, files)
    assert (list(settled.models.values()), settled.salvaged, settled.rebuilt, settled.dropped) == expected


@pytest.mark.parametrize(
    ("present", "name"),
    [
        ([], "hive.sqlite3.corrupt-1"),
        (["hive.sqlite3", "hive.sqlite3-wal"], "hive.sqlite3.corrupt-1"),
        (["hive.sqlite3.corrupt-1"], "hive.sqlite3.corrupt-2"),
        (["hive.sqlite3.corrupt-9", "hive.sqlite3.corrupt-10", "hive.sqlite3.corrupt-2"], "hive.sqlite3.corrupt-11"),
        (["hive.sqlite3.corrupt-x", "other.corrupt-7", "hive.sqlite3.corrupt-3-wal"], "hive.sqlite3.corrupt-1"),
    ],
)
def test_the_name_of_a_kept_file_is_new(present, name):
    assert quarantine_name("hive.sqlite3", present) == name


GOOD = {"ref": "a:1b", "size_bytes": 10, "sha256": "a" * 64, "created": 1}


@pytest.mark.parametrize(
    "change",
    [{}, {"ref": "../x"}, {"ref": None}, {"size_bytes": -1}, {"size_bytes": "10"}, {"sha256": "a"}, {"created": b"1"}],
)
def test_a_row_is_believed_only_when_every_field_can_be_true(change):
    assert (sound_model(GOOD | change) is None) == bool(change)


WORKER = {
    "id": "w1", "model": "a:1b", "slots": 1, "restart": "always", "token_interval_ms": 1, "state": "ready",
    "reason": None, "detail": None, "restarts": 0,
    "stopping": 0, "instance": "i", "spawned": 1, "pid": 7, "start_ticks": 8,
    "boot_id": "b", "port": 9,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{}, {"state": "gone"}, {"restart": "perhaps"}, {"pid": "seven"}, {"slots": None}, {"id": ""}, {"instance": None}],
)
def test_a_worker_is_believed_only_when_its_words_are_known(change):
    extra = dict.fromkeys(_columns() - WORKER.keys())
    assert (sound_worker(WORKER | extra | change) is None) == bool(change)


def _columns():
    from dataclasses import fields

    from daemons.hive.store import StoredWorker

    return {field.name for field in fields(StoredWorker)}


def header(ref="a:1b", end=4, **more):
    text = json.dumps(
        {"__metadata__": {"ref": ref}, "w": {"dtype": "U8", "shape": [end], "data_offsets": [0, end]}} | more
    )
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "fits"),
    [
        (header() + b"data", True),
        (header() + b"dat", False),
        (header() + b"data!", False),
        (header(ref="b:1b") + b"data", False),
        (b"", False),
        (b"short", False),
        ((1 << 60).to_bytes(8, "little") + b"{}", False),
        ((2).to_bytes(8, "little") + b"{}", False),
        ((2).to_bytes(8, "little") + b"[]", False),
        (header(w={"data_offsets": "no"}) + b"data", False),
    ],
)
def test_a_file_vouches_for_itself_when_its_header_names_it_and_fits_its_length(content, fits):
    assert header_fits(io.BytesIO(content), "a:1b", len(content)) is fits


@pytest.mark.parametrize("ref", ["a:1b", "a", "a-b_c.d:1b", "x9:latest"])
def test_a_file_name_gives_its_reference_back(tmp_path, ref):
    assert ref_of_file(model_path(tmp_path, ref)) == ref


@pytest.mark.parametrize(
    "name", ["a.safetensors.part", "a.bin", "A.safetensors", ".safetensors", "a--b--c.safetensors"]
)
def test_other_files_are_no_models(tmp_path, name):
    assert ref_of_file(tmp_path / name) is None
