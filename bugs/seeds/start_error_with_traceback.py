"""A port that is taken ends a daemon with a traceback and status 1.

Imagined. Must be noticed by the exit status and the one line.
"""

from __future__ import annotations

import socket

ROLE = "queen"
PATCHES = "daemons.common.serve:bind"
CAUGHT_BY = ["features/processes/start_up.feature::A queen with a port that is taken"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Bind as the library does."""

    def bind(host: str, port: int) -> socket.socket:
        return socket.create_server((host, port), backlog=2048)

    return bind
