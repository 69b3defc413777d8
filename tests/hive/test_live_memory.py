"""Hives and workers with insufficient memory: on a device, under a limit, and over a restart."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
from typing import Any

import pytest

from daemons.hive.refs import model_path
from daemons.hive.store import Store, StoredModel

from .live import REAL_WORKER, LiveHive

GB = 1_000_000_000
MIB = 1024 * 1024


def add_model(hive: LiveHive, ref: str, size: int = MIB, **metadata: int) -> None:
    """Put a model into the catalog, as an earlier pull would have."""
    about = {"memory_bytes": size} | metadata
    header = {
        "__metadata__": {"ref": ref} | {key: str(value) for key, value in about.items()},
        "weights": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
    }
    raw = json.dumps(header).encode()
    content = struct.pack("<Q", len(raw)) + raw + bytes(size)
    model_path(hive.folder / "models", ref).write_bytes(content)

    async def save() -> None:
        store = Store(hive.folder / "hive.sqlite3")
        await store.open()
        await store.save_model(StoredModel(ref, len(content), hashlib.sha256(content).hexdigest(), created=1))
        await store.close()

    asyncio.run(save())


def with_devices(hive: LiveHive, **sizes: int) -> LiveHive:
    declared = [
        {"name": name, "memory_bytes": size, "ledger": str(hive.folder / f"{name}.ledger")}
        for name, size in sizes.items()
    ]
    hive._flags += ["--devices", json.dumps(declared)]
    return hive


def ask_for(hive: LiveHive, worker_id: str, model: str, **more: Any) -> Any:
    return hive.ask("POST", "/v1/workers", {"id": worker_id, "model": model, **more})


def used(hive: LiveHive, device: str = "gpu0") -> dict[str, int]:
    """What each worker has of a device."""
    found = next(each for each in hive.get("/v1/devices").json()["devices"] if each["name"] == device)
    return {worker["worker_id"]: worker["used_bytes"] for worker in found["workers"]}


@pytest.fixture
def device_hive(make_hive) -> LiveHive:
    """A hive with two devices of 4 and 3 GB, and models that say the truth about themselves and one that does not."""
    hive = with_devices(make_hive(command=REAL_WORKER), gpu0=4 * GB, gpu1=3 * GB)
    add_model(hive, "one:1b", device_bytes=GB, memory_bytes=GB)
    add_model(hive, "five:5b", device_bytes=5 * GB, memory_bytes=5 * GB)
    add_model(hive, "liar:8b", 8 * MIB, device_bytes=8 * GB, memory_bytes=GB)
    add_model(hive, "chatty:1b", device_bytes=GB, memory_bytes=GB, kv_bytes_per_token=50_000_000)
    return hive.start()


def test_spawns_in_one_instant_never_share_the_same_room(device_hive):
    for name in "abcdefgh":
        ask_for(device_hive, name, "one:1b")
    rows = {name: device_hive.row(name) for name in "abcdefgh"}
    assert sum(row is not None for row in rows.values()) == 7
    device_hive.wait(lambda: sum(used(device_hive).values()) == 4 * GB, "the first device is full")
    device_hive.wait(lambda: sum(used(device_hive, "gpu1").values()) == 3 * GB, "the second device is full")


def test_a_hive_that_is_killed_leaves_its_workers_their_memory(device_hive):
    row = device_hive.ready("w", model="one:1b")
    device_hive.kill()
    device_hive.start()
    device_hive.until("w", "ready")
    again = device_hive.row("w")
    assert (again["pid"], again["device"]) == (row["pid"], "gpu0")
    assert used(device_hive) == {"w": GB}
    device_hive.ask("DELETE", "/v1/workers/w")
    device_hive.until("w", None)
    assert used(device_hive) == {}


def test_a_model_that_must_be_pulled_is_judged_when_it_is_there(hub, make_hive):
    hive = make_hive("--hub.url", hub.hub.url, "--worker.memory_limit_bytes", "100000").start()
    assert ask_for(hive, "w", "big:7b").status_code == 202
    row = hive.until("w", "failed")
    assert (row["reason"], row["shortage"]["needed_bytes"]) == ("out_of_memory", 262_144)
    assert not hive.started()
    refused = ask_for(hive, "v", "big:7b", memory_limit_bytes=200_000)
    assert (refused.status_code, refused.json()["error"]["details"]["available_bytes"]) == (507, 200_000)
    assert ask_for(hive, "v", "big:7b", memory_limit_bytes=500_000_000).status_code == 202
    hive.until("v", "ready")


def test_what_was_too_little_is_known_to_the_next_hive(make_hive):
    hive = with_devices(make_hive(command=REAL_WORKER), gpu0=GB)
    add_model(hive, "liar:8b", device_bytes=8 * GB, memory_bytes=GB)
    hive.start()
    ask_for(hive, "w", "liar:8b")
    before = hive.until("w", "failed")["shortage"]
    hive.kill()
    hive.start()
    assert hive.until("w", "failed")["shortage"] == before
    answer = hive.ask("POST", "/v1/completions", {"model": "liar:8b", "prompt": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "out_of_memory")


def test_a_hive_that_must_use_control_groups_and_cannot_does_not_start(make_hive, tmp_path):
    hive = make_hive("--memory.enforce", "cgroup", "--memory.cgroup", str(tmp_path / "no-groups"))
    with pytest.raises(AssertionError, match="memory.enforce"):
        hive.start()
    assert hive.child is not None
    assert hive.child.wait(10) == 2
