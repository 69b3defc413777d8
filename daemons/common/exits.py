"""The exit statuses of daemons, and the error that ends one with a status and a line for the operator."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of a daemon. A second signal N ends it at once with 128+N, which is not in this list."""

    STOPPED = 0
    """Stopped as it was asked to, by a signal or by POST /v1/shutdown."""
    INTERNAL = 1
    """A bug of the daemon itself; the log has the traceback."""
    USAGE = 2
    """A flag or a configuration that it cannot run with."""
    CANNOT_LISTEN = 3
    """The port is taken, or the address is not one of this machine."""
    MODEL = 4
    """A worker's model file is missing or corrupt."""
    DATA = 5
    """The data folder or the database cannot be used."""
    ORPHANED = 6
    """A worker whose hive is gone for orphan_grace, or disowned it with 410."""
    OUT_OF_MEMORY = 7
    """A worker whose device has not enough memory for its model, or for what it generates."""


class FatalError(Exception):
    """Ends the daemon with `status`; `message` tells the operator what happened, and what to do."""

    def __init__(self, status: ExitStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
