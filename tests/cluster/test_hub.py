"""The model hub, as a process: metadata, ranges, counts, and model files in the safetensors layout."""

from __future__ import annotations

import hashlib
import json
import sys

import httpx
import pytest

from beehave.addresses import AddressBook
from beehave.conditions import eventually
from beehave.http import Client
from beehave.journal import Journal
from beehave.process.table import ProcessTable
from cluster.addresses import ClusterAddresses
from cluster.model_files import file_name, write_model


@pytest.fixture
def hub(tmp_path):
    journal = Journal(tmp_path / "j.ndjson")
    book = AddressBook(private_network=False)
    address = ClusterAddresses(book).hub()
    config = {"host": address.host, "port": address.port, "folder": str(tmp_path), "models": {"a:1b": 100_000}}
    (tmp_path / "hub.json").write_text(json.dumps(config), encoding="utf-8")
    table = ProcessTable(journal)
    argv = [sys.executable, "-m", "cluster.hub", "--config", str(tmp_path / "hub.json")]
    process = table.spawn("hub", "hub", argv, log_path=tmp_path / "hub.log")
    client = Client(journal, address.url)
    eventually(
        journal,
        "the hub answers",
        lambda: client.get("/health"),
        lambda answer: answer.status == 200,
        within_s=20,
        impossible=lambda: None if process.alive() else process.describe(),
    )
    yield address.url
    client.close()
    assert table.stop_all(10) == []
    book.close()
    journal.close()


def test_the_file_is_what_the_metadata_says_and_can_be_had_in_parts(hub):
    metadata = httpx.get(f"{hub}/models/a:1b").json()
    whole = httpx.get(f"{hub}/models/a:1b/file")
    assert len(whole.content) == metadata["size_bytes"]
    assert hashlib.sha256(whole.content).hexdigest() == metadata["sha256"]
    tag = whole.headers["etag"]
    rest = httpx.get(f"{hub}/models/a:1b/file", headers={"Range": "bytes=60000-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, whole.content[60000:])
    changed = httpx.get(f"{hub}/models/a:1b/file", headers={"Range": "bytes=60000-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    assert httpx.get(f"{hub}/counts").json() == {"a:1b": 3}


def test_a_model_that_it_does_not_have_is_404(hub):
    assert httpx.get(f"{hub}/models/b:2b").status_code == 404
    assert httpx.get(f"{hub}/models/b:2b/file").status_code == 404


def test_a_model_file_has_the_safetensors_layout_and_the_same_bytes_each_time(tmp_path):
    for name in ("one", "two"):
        write_model(tmp_path / name, "a:1b", 10_000_000)
    one, two = ((tmp_path / name).read_bytes() for name in ("one", "two"))
    assert one == two
    length = int.from_bytes(one[:8], "little")
    header = json.loads(one[8 : 8 + length])
    assert length % 8 == 0
    assert header["__metadata__"] == {"ref": "a:1b", "memory_bytes": "10000000"}
    assert header["weights"]["data_offsets"] == [0, len(one) - 8 - length]


def test_file_names_have_no_colon():
    assert file_name("a:1b") == "a--1b.safetensors"
