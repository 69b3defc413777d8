"""Hives and workers with insufficient memory: on a device, in a control group, under the watchdog."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
from typing import Any

import psutil
import pytest

from daemons.common.process import start_ticks
from daemons.hive.memory.groups import find_groups
from daemons.hive.refs import model_path
from daemons.hive.store import Store, StoredModel

from .live import REAL_WORKER, LiveHive

GB = 1_000_000_000
MIB = 1024 * 1024
CGROUP = find_groups(None, "probe")


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


def test_what_cannot_fit_is_refused_before_any_process(device_hive):
    answer = ask_for(device_hive, "w", "five:5b")
    assert answer.status_code == 507
    error = answer.json()["error"]
    assert error["code"] == "out_of_memory"
    assert error["details"] == {
        "of": "device",
        "device": "gpu0",
        "needed_bytes": 5 * GB,
        "available_bytes": 4 * GB,
    }
    assert device_hive.row("w") is None
    assert not device_hive.started()
    assert device_hive.metric('hive_out_of_memory_total{by="admission"}') == 1


def test_the_least_loaded_device_is_chosen(device_hive):
    devices = [device_hive.ready(name, model="one:1b")["device"] for name in ("a", "b", "c")]
    assert devices == ["gpu0", "gpu1", "gpu0"]  # 0 and 0, then 1/4 and 0, then 1/4 and 1/3
    assert used(device_hive) == {"a": GB, "c": GB}
    assert used(device_hive, "gpu1") == {"b": GB}
    assert device_hive.metric('hive_device_used_bytes{device="gpu0"}') == 2 * GB


def test_spawns_in_one_instant_never_share_the_same_room(device_hive):
    for name in "abcdefgh":
        ask_for(device_hive, name, "one:1b")
    rows = {name: device_hive.row(name) for name in "abcdefgh"}
    assert sum(row is not None for row in rows.values()) == 7
    device_hive.wait(lambda: sum(used(device_hive).values()) == 4 * GB, "the first device is full")
    device_hive.wait(lambda: sum(used(device_hive, "gpu1").values()) == 3 * GB, "the second device is full")


def test_a_worker_that_its_device_refuses_while_it_loads(device_hive):
    device_hive.ready("neighbour", model="one:1b")
    assert ask_for(device_hive, "w", "liar:8b").status_code == 202
    row = device_hive.until("w", "failed")
    assert row["reason"] == "out_of_memory"
    assert row["shortage"] == {
        "of": "device",
        "device": "gpu1",
        "needed_bytes": 8 * GB,
        "available_bytes": 3 * GB,
    }
    assert (row["pid"], row["device"], row["restarts"]) == (None, None, 0)
    device_hive.wait(lambda: used(device_hive, "gpu1") == {}, "the device is given back")
    assert used(device_hive) == {"neighbour": GB}
    assert device_hive.metric('hive_out_of_memory_total{by="device"}') == 1
    (exited,) = [each for each in device_hive.events("worker_exited") if each["worker_id"] == "w"]
    assert exited["exit_status"] == 7


def test_a_killed_worker_gives_its_memory_back(device_hive):
    row = device_hive.ready("w", model="one:1b", restart="never")
    assert used(device_hive) == {"w": GB}
    psutil.Process(row["pid"]).kill()
    device_hive.until("w", "failed")
    assert device_hive.row("w")["reason"] == "crashed"
    device_hive.wait(lambda: used(device_hive) == {}, "the device is given back")


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


def test_out_of_memory_while_it_generates(device_hive):
    device_hive.ready("w", model="chatty:1b", restart="always")
    body = {"model": "chatty:1b", "max_tokens": 200, "stream": True, "messages": [{"role": "user", "content": "go"}]}
    with device_hive.client.stream(
        "POST", f"http://127.0.0.1:{device_hive.port}/v1/chat/completions", json=body, timeout=20
    ) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data:")]
    last = json.loads(lines[-1].removeprefix("data:"))
    assert last["error"]["code"] == "out_of_memory"
    assert last["error"]["details"]["available_bytes"] == 4 * GB
    assert len(lines) > 16
    assert device_hive.until("w", "failed")["reason"] == "out_of_memory"
    device_hive.wait(lambda: used(device_hive) == {}, "the device is given back")


@pytest.mark.parametrize(
    "enforce",
    [pytest.param("cgroup", marks=pytest.mark.skipif(isinstance(CGROUP, str), reason=str(CGROUP))), "watchdog"],
)
def test_the_hosts_memory(make_hive, enforce):
    groups_before = set() if isinstance(CGROUP, str) else set(CGROUP._parent.glob("h.*"))
    hive = make_hive("--memory.enforce", enforce, "--durations.memory_watch_ms", "20", command=REAL_WORKER)
    add_model(hive, "liar:2b", 200 * MIB, memory_bytes=MIB)
    hive.start()
    limit = 96 * MIB
    assert ask_for(hive, "small", "tiny:1b", memory_limit_bytes=limit, restart="always").status_code == 202
    alive = hive.until("small", "ready")
    assert alive["memory_limit_bytes"] == limit
    assert ask_for(hive, "w", "liar:2b", memory_limit_bytes=limit, restart="always").status_code == 202
    row = hive.until("w", "failed")
    assert (row["reason"], row["restarts"]) == ("out_of_memory", 0)
    assert row["shortage"]["of"] == "memory_limit"
    assert row["shortage"]["available_bytes"] == limit < row["shortage"]["needed_bytes"]
    assert hive.metric(f'hive_out_of_memory_total{{by="{enforce}"}}') == 1
    (exited,) = [each for each in hive.events("worker_exited") if each["worker_id"] == "w"]
    assert exited["signal"] == 9
    assert start_ticks(alive["pid"]) == alive["start_ticks"], "the other worker must not suffer"
    assert hive.stop() == 0
    if not isinstance(CGROUP, str):
        assert set(CGROUP._parent.glob("h.*")) <= groups_before


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
