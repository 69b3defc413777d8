"""Daemons that are started with one mistake each, to see what they print and how they end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beehave.errors import HarnessError
from beehave.process.table import ManagedProcess, environment_for_children
from beehave.toml_writer import write_toml
from cluster.cluster import Cluster
from cluster.model_files import write_model

MODEL_BYTES = 100_000


class BadStart:
    """One daemon with one mistake in its configuration."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._folder = cluster.folder / "bad-start"
        self._occupied: list[socket.socket] = []
        self._process: ManagedProcess | None = None

    @property
    def process(self) -> ManagedProcess:
        """The process that was started.

        Raises:
            HarnessError: none was.
        """
        if self._process is None:
            raise HarnessError("no When of this scenario started a daemon with a mistake")
        return self._process

    def start(self, role: str, mistake: str) -> None:
        """Start a daemon with a mistake, called as in the feature.

        Raises:
            HarnessError: no such mistake is known.
        """
        makers: dict[str, Callable[[dict[str, Any]], None]] = {
            "an unknown configuration key": self._unknown_key,
            "a value of the wrong type": self._wrong_type,
            "a configuration file that is not there": lambda _: None,
            "a port that is taken": self._taken_port,
            "a worker command that does not exist": self._absent_command,
            "a model file that is missing": self._absent_model,
            "a model file that is corrupt": self._corrupt_model,
            "a data folder that is a file": self._file_as_folder,
        }
        if mistake not in makers:
            raise HarnessError(f"unknown mistake {mistake!r}; there are: {', '.join(makers)}")
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._sound_config(role)
        makers[mistake](config)
        path = self._folder / f"{role}.toml"
        write_toml(path, config)
        if mistake == "a configuration file that is not there":
            path = self._folder / "absent.toml"
        command = self._cluster.daemons.command(role)
        self._process = self._cluster.processes.spawn(
            role,
            f"bad-{role}",
            [*command, "--config", str(path)],
            log_path=self._folder / f"{role}.log",
            env=environment_for_children(),
        )
        self._process.ending_expected = True

    def exit_status(self) -> int | None:
        """Wait for the end, as long as a start may take; None when it still runs."""
        status = self.process.wait(self._cluster.durations.start_up_ms / 1000)
        self._cluster.journal.observe("exit status", pid=self.process.pid, status=status)
        return status

    def printed(self) -> list[str]:
        """Return every line that it wrote."""
        lines = self.process.log_lines()
        self._cluster.journal.observe("output", lines=lines)
        return lines

    def close(self) -> None:
        """Give the occupied port back."""
        for listener in self._occupied:
            listener.close()

    def _sound_config(self, role: str) -> dict[str, Any]:
        address = self._cluster.addresses.hive(1) if role == "hive" else self._cluster.addresses.queen()
        config: dict[str, Any] = {
            "listen": {"host": address.host, "port": address.port},
            "durations": self._cluster.durations.model_dump(),
        }
        if role == "worker":
            config["listen"]["port"] = 0
            config |= {"worker_id": "wrk-bad", "model": {"path": str(self._folder / "m.safetensors"), "ref": "bad:1b"}}
        else:
            config["data_dir"] = str(self._folder / f"{role}-data")
        if role == "hive":
            config |= {"hive_id": "hive-1", "queen": {"url": self._cluster.addresses.queen().url}}
            config["worker"] = {"command": self._cluster.daemons.command("worker")}
        return config

    @staticmethod
    def _unknown_key(config: dict[str, Any]) -> None:
        config["durations"]["heartbeat_mz"] = 5

    @staticmethod
    def _wrong_type(config: dict[str, Any]) -> None:
        config["listen"]["port"] = "eighty"

    def _taken_port(self, config: dict[str, Any]) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config["listen"]["host"], config["listen"]["port"]))
        listener.listen()
        self._occupied.append(listener)

    @staticmethod
    def _absent_command(config: dict[str, Any]) -> None:
        config["worker"] = {"command": ["no-such-program"]}

    def _absent_model(self, config: dict[str, Any]) -> None:
        config["model"]["path"] = str(self._folder / "absent.safetensors")

    def _corrupt_model(self, config: dict[str, Any]) -> None:
        path = self._folder / "corrupt.safetensors"
        write_model(path, "bad:1b", MODEL_BYTES)
        _overwrite(path, at=8, data=b"\0" * 16)  # the beginning of the header
        config["model"]["path"] = str(path)

    def _file_as_folder(self, config: dict[str, Any]) -> None:
        (self._folder / "a-file").write_text("not a folder", encoding="utf-8")
        config["data_dir"] = str(self._folder / "a-file")


def _overwrite(path: Path, *, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
