"""Starts a worker: its configuration file, its command line, and the instance that the hive assigned."""

from __future__ import annotations

import errno
from pathlib import Path

from daemons.common.durations import Durations
from daemons.hive.config import HiveConfig
from daemons.hive.memory.allocator import Allocation
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.files import WorkerFiles
from daemons.hive.workers.process import WorkerProcess


class Launcher:
    """Starts workers for the hive that listens at `hive_url`."""

    def __init__(self, config: HiveConfig, files: WorkerFiles, hive_url: str) -> None:
        self._config = config
        self._files = files
        self._hive_url = hive_url

    def launch(self, spec: WorkerSpec, instance: str, model: Path, allocation: Allocation) -> WorkerProcess:
        """Write the worker's configuration and start it within its allocation.

        Raises:
            OSError: the file cannot be written, or the command cannot be executed.
        """
        config = self._config
        path = self._files.write_config(
            spec.id,
            {
                "worker_id": spec.id,
                "instance": instance,
                "slots": spec.slots,
                "listen": {"host": config.worker_host, "port": 0},
                "log": {"level": config.log.level},
                "hive": {"url": self._hive_url},
                "model": {"ref": spec.model, "path": model},
                "engine": {"token_interval_ms": spec.token_interval_ms},
                "device": _device(allocation),
                "durations": _as_set(config.durations),
            },
        )
        argv = allocation.command([*config.worker.command, "--config", str(path)])
        return WorkerProcess.start(argv, self._files.log_path(spec.id))


def _device(allocation: Allocation) -> dict[str, object]:
    device = allocation.device
    if device is None:
        return {}
    return {"name": device.name, "memory_bytes": device.memory_bytes, "ledger": device.ledger.absolute()}


def is_wrong_command(error: OSError) -> bool:
    """Return whether another try cannot help; other errors may pass (memory, descriptors)."""
    return error.errno in (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.EPERM)


def _as_set(durations: Durations) -> dict[str, int]:
    return {name: int(value) for name, value in durations.model_dump().items()}
