"""The devices of the hives, asked at the hive, at the queen, and in the ledger files themselves."""

from __future__ import annotations

from typing import Any

from beehave.conditions import eventually
from beehave.errors import HarnessError
from cluster.cluster import Cluster
from cluster.memory.ledger_file import LedgerFile, LedgerWatch

Use = dict[str, int]
"""Bytes held, by worker id."""


class DevicesView:
    """Declares devices before the hives start, and looks at them afterwards."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ledgers: dict[str, LedgerFile] = {}
        self._watches: dict[str, LedgerWatch] = {}

    def declare(self, *sizes_bytes: int) -> None:
        """Let the hives that are started from now on have devices `gpu0`, `gpu1`, ... of these sizes, all the same."""
        for number, size_bytes in enumerate(sizes_bytes):
            name = f"gpu{number}"
            path = self._cluster.folder / "devices" / f"{name}.ledger"
            ledger = LedgerFile(self._cluster.journal, path, size_bytes)
            self._ledgers[name] = ledger
            self._watches[name] = LedgerWatch(ledger)
        self._cluster.hive_options["devices"] = [
            {"name": name, "memory_bytes": ledger.memory_bytes, "ledger": str(ledger.path)}
            for name, ledger in self._ledgers.items()
        ]

    def ledger(self, name: str = "gpu0") -> LedgerFile:
        """Return the ledger of a device.

        Raises:
            HarnessError: no step has declared it.
        """
        if name not in self._ledgers:
            raise HarnessError(f"no device {name!r} was declared; there is: {', '.join(self._ledgers) or 'none'}")
        return self._ledgers[name]

    def watch(self, name: str = "gpu0") -> LedgerWatch:
        """Return the watch over a device's ledger, which began before the hives did."""
        self.ledger(name)
        return self._watches[name]

    def held_by_ledgers(self) -> dict[str, Use]:
        """Return what each worker holds, by device, as the files have it."""
        return {name: ledger.held_by_worker() for name, ledger in self._ledgers.items()}

    def entries(self, hive: str = "hive-1") -> dict[str, dict[str, Any]]:
        """Return the devices as a hive lists them, by name."""
        devices = self._cluster.daemon(hive).client.get("/v1/devices").expect(200).json["devices"]
        return {device["name"]: device for device in devices}

    def entries_at_queen(self, hive: str = "hive-1") -> dict[str, dict[str, Any]]:
        """Return the devices of a hive as its last lease brought them to the queen, by name."""
        view = self._cluster.queen.client.get(f"/v1/hives/{hive}").expect(200).json
        return {device["name"]: device for device in view["devices"]}

    def wait_until_held_by(self, worker_ids: set[str], *, within_s: float) -> dict[str, Use]:
        """Wait until files, hives and queen agree on what is held, and that exactly these workers hold it.

        Returns what they hold, by device.

        Raises:
            AssertionError: they do not agree; the message has what each of them has.
        """

        def used(entries: dict[str, dict[str, Any]]) -> dict[str, Use]:
            return {
                name: {use["worker_id"]: use["used_bytes"] for use in entry["workers"] if use["used_bytes"]}
                for name, entry in entries.items()
            }

        def look() -> dict[str, dict[str, Use]]:
            views = {"ledgers": self.held_by_ledgers()}
            for hive in self._cluster.hives:
                views[hive.name] = used(self.entries(hive.name))
                views[f"{hive.name} at the queen"] = used(self.entries_at_queen(hive.name))
            return views

        def agree(views: dict[str, dict[str, Use]]) -> bool:
            ledgers = views["ledgers"]
            holders = {worker_id for use in ledgers.values() for worker_id in use}
            return holders == worker_ids and all(view == ledgers for view in views.values())

        what = f"devices are held by {sorted(worker_ids) or 'no worker'}, as ledgers, hives and queen have it"
        return eventually(self._cluster.journal, what, look, agree, within_s=within_s)["ledgers"]

    def close(self) -> None:
        """Stop watching."""
        for watch in self._watches.values():
            watch.close()
