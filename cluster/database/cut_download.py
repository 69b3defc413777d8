"""Killing a hive in the middle of a download, and looking at the file that comes of it afterwards."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beehave import Daemon
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.database import sha256_of
from beehave.faults.pause import Pause
from beehave.process.logs import log_events
from cluster.cluster import Cluster
from cluster.model_files import file_name


@dataclass(frozen=True)
class CutDownload:
    """A download that was cut by killing its hive."""

    kept_bytes: int
    """How much of it is on disk."""


@dataclass(frozen=True)
class Pulled:
    """A model that was pulled again after a cut."""

    begins: list[int]
    """The byte at which each download since the cut began, by the hive's log."""
    listed: dict[str, Any]
    """Size and hash, as the hive lists them."""
    on_disk: dict[str, Any]
    """Of its file."""
    at_hub: dict[str, Any]
    """Of the hub's file."""


def cut_by_kill(cluster: Cluster, faults: FaultStack, hive: str, model: str) -> CutDownload:
    """Pull a model, SIGKILL the hive once a part of it has come, and start it again.

    The hub is paused first, so that the rest cannot come before the signal does.

    Raises:
        HarnessError: the download was not cut in its middle, so that nothing would be shown.
    """
    daemon, hub = cluster.daemon(hive), cluster.daemon("hub")
    daemon.client.post("/v1/models", {"model": model}).expect(202)
    part = _file(cluster, hive, model, ".part")
    eventually(
        cluster.journal,
        f"a part of {model} has come",
        lambda: part.stat().st_size if part.exists() else 0,
        lambda size: size > 0,
        within_s=cluster.durations.start_up_ms / 1000,
    )
    assert hub.process.identity is not None, "it has just served a part"
    pause = Pause(cluster.journal, "the hub", hub.process.identity)
    faults.add(pause)
    cluster.end(hive, signal.SIGKILL, why="in the middle of a download")
    kept, whole = part.stat().st_size, (cluster.hub_folder / file_name(model)).stat().st_size
    if not 0 < kept < whole:
        raise HarnessError(f"the download of {model} was to be cut in its middle, {kept} of {whole} bytes had come")
    faults.heal(pause)
    cluster.restart(hive)
    cluster.wait_until_ready(hive)
    return CutDownload(kept)


def pull_again(cluster: Cluster, hive: str, model: str) -> None:
    """Pull a model once more, and wait until the hive lists it.

    Raises:
        AssertionError: it is not listed in the time of a start.
    """
    daemon = cluster.daemon(hive)
    daemon.client.post("/v1/models", {"model": model}).expect(200, 202)
    eventually(
        cluster.journal,
        f"{hive} lists {model}",
        lambda: _listed(daemon, model),
        lambda found: len(found) == 1,
        within_s=cluster.durations.start_up_ms / 1000,
    )


def pulled(cluster: Cluster, hive: str, model: str) -> Pulled:
    """Return what a hive has of a model that it lists, beside what the hub has."""
    daemon = cluster.daemon(hive)
    rows = _listed(daemon, model)
    assert len(rows) == 1, f"{hive} should list {model} once: {rows}"
    began = log_events(cluster.journal, daemon.process, "download_began")
    on_disk, at_hub = _facts(_file(cluster, hive, model)), _facts(cluster.hub_folder / file_name(model))
    cluster.journal.observe("model file", model=model, on_disk=on_disk, at_hub=at_hub)
    return Pulled(
        begins=[entry["from_byte"] for entry in began if entry["pid"] == daemon.process.pid],
        listed={"size_bytes": rows[0]["size_bytes"], "sha256": rows[0]["sha256"]},
        on_disk=on_disk,
        at_hub=at_hub,
    )


def _listed(daemon: Daemon, model: str) -> list[dict[str, Any]]:
    return [row for row in daemon.client.get("/v1/models").expect(200).json["data"] if row["id"] == model]


def _file(cluster: Cluster, hive: str, model: str, suffix: str = "") -> Path:
    return Path(cluster.daemon(hive).config["data_dir"]) / "models" / (file_name(model) + suffix)


def _facts(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
