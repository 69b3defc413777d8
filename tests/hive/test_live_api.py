"""The hive's interface: what it refuses, what it pulls, what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from .live import REAL_WORKER


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "w"},
        {"model": "../x"},
        {"model": "tiny:1b", "slots": 0},
        {"model": "tiny:1b", "slots": 1025},
        {"model": "tiny:1b", "slots": "2"},
        {"model": "tiny:1b", "slots": True},
        {"model": "tiny:1b", "restart": "sometimes"},
        {"model": "tiny:1b", "token_interval_ms": -1},
        {"model": "tiny:1b", "id": "-w"},
        {"model": "tiny:1b", "id": "w" * 65},
        {"model": "tiny:1b", "id": "a/b"},
        {"model": "tiny:1b", "unknown": 1},
        [],
    ],
)
def test_a_wrong_spawn_is_refused_and_starts_nothing(hive, wrong):
    answer = hive.ask("POST", "/v1/workers", wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_failed")
    assert hive.get("/v1/workers").json() == {"workers": []}


def test_an_id_is_taken_once_while_the_hub_is_asked_for_the_model(hub, make_hive):
    """There is no row yet."""
    hive = make_hive("--hub.url", hub.hub.url).start()
    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda _: hive.spawn("w", model="big:7b"), range(3))
        )
    assert statuses == [202, 409, 409]
    assert hive.spawn("w").json()["error"]["code"] == "worker_exists"
    assert len(hive.get("/v1/workers").json()["workers"]) == 1


def test_a_model_that_nobody_has_is_refused_at_once(hub, make_hive):
    alone, linked = make_hive().start(), make_hive("--hub.url", hub.hub.url).start()
    for hive in (alone, linked):
        answer = hive.spawn("w", model="unknown:1b")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        assert hive.row("w") is None
        assert hive.spawn("w").status_code == 202, "the id was given back"


def test_a_missing_model_is_pulled_first_and_the_row_says_so(hub, make_hive):
    hub.hub.script = ["hold 1000"]
    hive = make_hive("--hub.url", hub.hub.url, command=REAL_WORKER).start()
    assert hive.spawn("w", model="big:7b").status_code == 202
    waiting = hive.row("w")
    assert (waiting["state"], waiting["reason"], waiting["pid"]) == ("starting", "pulling", None)
    hub.proceed()
    assert hive.until("w", "ready")["load_progress"] == 1.0
    assert len(hub.hub.requests) == 1
    answer = hive.ask("POST", "/v1/models", {"model": "big:7b"})
    assert (answer.status_code, answer.json()["state"]) == (200, "done")


def test_a_stop_does_not_wait_for_the_model(hub, make_hive):
    hub.hub.script = ["hold 1000"]
    hive = make_hive("--hub.url", hub.hub.url).start()
    hive.spawn("w", model="big:7b")
    hive.ask("DELETE", "/v1/workers/w")
    hive.until("w", None)
    assert hive.started() == []


def test_a_pull_that_fails_fails_the_worker_with_its_reason(hub, make_hive):
    hub.hub.script = ["wrong"] * 6
    hive = make_hive("--hub.url", hub.hub.url).start()
    hive.spawn("w", model="big:7b")
    row = hive.until("w", "failed")
    assert row["reason"] == "download_failed"
    assert "hash" in row["detail"]
    assert hive.metric('hive_downloads_total{outcome="failed"}') == 1


def progress_of(hive, ref: str) -> list[dict[str, object]]:
    lines = hive.get(f"/v1/models/{ref}/progress").text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_the_life_of_a_model(hub, make_hive):
    hub.hub.script = ["hold 100000"]
    hive = make_hive("--hub.url", hub.hub.url).start()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: hive.ask("POST", "/v1/models", {"model": "big:7b"}), range(3)))
        assert {answer.status_code for answer in answers} == {202}
        watching = pool.submit(progress_of, hive, "big:7b")
        hive.wait(lambda: hive.get("/health").json()["downloads_running"] == 1, "the download")
        hub.proceed()
        seen = watching.result(10)
    assert seen[-1]["state"] == "done"
    received = [each["received_bytes"] for each in seen]
    assert received == sorted(received)
    assert received[-1] == len(hub.hub.content)
    assert len(hub.hub.requests) == 1, "one download however many ask"
    cards = {card["id"]: card for card in hive.get("/v1/models").json()["data"]}
    assert cards["big:7b"]["sha256"] == hub.hub.sha256
    assert {model["ref"] for model in hive.get("/v1/lease").json()["models"]} == {"big:7b", "tiny:1b"}
    assert progress_of(hive, "tiny:1b")[0]["state"] == "done"

    hive.ready("w", model="big:7b")
    in_use = hive.ask("DELETE", "/v1/models/big:7b")
    assert (in_use.status_code, in_use.json()["error"]["code"]) == (409, "model_in_use")
    hive.ask("DELETE", "/v1/workers/w")
    hive.until("w", None)
    assert hive.ask("DELETE", "/v1/models/big:7b").status_code == 204
    assert hive.ask("DELETE", "/v1/models/big:7b").status_code == 404
    assert hive.get("/v1/models/big:7b/progress").status_code == 404


@pytest.mark.parametrize("change", [{"instance": "another"}, {"pid": 1}, {"start_ticks": 1}])
def test_the_lease_of_another_instance_is_gone_and_changes_nothing(hive, change):
    row = hive.ready("polite")
    lease = {key: row[key] for key in ("instance", "pid", "start_ticks", "port", "slots_total")}
    lease |= {"state": "draining", "slots_busy": 0, "served_total": 0, "load_progress": 1.0}
    answer = hive.ask("PUT", "/v1/workers/polite/lease", lease | change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "lease_gone")
    assert hive.row("polite") == row
    answer = hive.ask("PUT", "/v1/workers/nobody/lease", lease)
    assert answer.status_code == 410


def test_what_the_node_says_of_itself(hive):
    assert hive.get("/v1/devices").json() == {"devices": []}
    resources = hive.get("/v1/resources").json()
    assert all(resources[key] > 0 for key in ("cpus", "memory_total_bytes", "disk_available_bytes"))
    first, second = hive.get("/v1/lease").json(), hive.get("/v1/lease").json()
    assert second["sequence"] > first["sequence"]
    assert first["url"] == f"http://127.0.0.1:{hive.port}"
    health = hive.get("/health").json()
    assert (health["status"], health["name"], health["pid"]) == ("ok", "h", hive.pid)


def test_a_queen_out_of_reach_is_one_log_line_and_the_hive_serves_on(make_hive):
    hive = make_hive("--queen.url", "http://127.0.0.1:1").start()
    hive.ready("polite")
    hive.wait(lambda: hive.get("/health").json()["status"] == "degraded", "degraded")
    assert hive.metric("hive_queen_up") == 0
    assert len(hive.events("queen_unreachable")) == 1
    assert hive.stop() == 0


@pytest.mark.parametrize("there", [True, False])
def test_a_hive_that_could_start_no_worker_does_not_start(tmp_path, there):
    program = str(tmp_path / "program")
    if there:
        (tmp_path / "program").touch(mode=0o644)
    argv = [sys.executable, "-m", "daemons.hive", "--worker.command", json.dumps([program]), "--listen.port", "0"]
    argv += ["--data_dir", str(tmp_path / "data")]
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=15)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("hive: bad configuration")
    assert program in line
    assert not (tmp_path / "data").exists()


def test_shutdown_through_the_api(hive):
    hive.ready("polite")
    assert hive.ask("POST", "/v1/shutdown", {"scope": "self"}).status_code == 202
    assert hive.child.wait(10) == 0
    assert hive.events("worker_exited")[0]["exit_status"] == 0
