"""The hive's data folder: made when missing, and locked, since two hives would corrupt each other's files."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from daemons.common.exits import ExitStatus, FatalError

DATABASE = "hive.sqlite3"
MODELS = "models"


class DataFolder:
    """A folder that only this process uses, until it ends: the kernel releases the lock however the process dies.

    Workers do not inherit the lock, so a killed hive's folder is free for its successor while they still run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.models = self.path / MODELS
        self.database = self.path / DATABASE
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folders and take the lock.

        Raises:
            FatalError: exit 5, when it is in use or cannot be used.
        """
        try:
            self.models.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "hive.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FatalError(
                ExitStatus.DATA, f"{self.path} is in use by another hive. Stop it, or choose another --data_dir."
            ) from None
        except OSError as error:
            raise FatalError(
                ExitStatus.DATA, f"cannot use the data folder {self.path}: {error.strerror}. Check --data_dir."
            ) from None
