"""A worker's files in the hive's data folder: its configuration and its log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_TAIL_BYTES: Final = 16_384
"""How much of a log is read for its last lines: enough for ten long ones."""

_MESSAGE_CHARACTERS: Final = 300
"""The longest message in an answer; the whole line is in the log."""


class WorkerFiles:
    """The files of all workers. `data_dir` must exist; ids were validated by the routes."""

    def __init__(self, data_dir: Path) -> None:
        # Absolute, since a worker's command may change its current folder.
        self._data_dir = data_dir.resolve()
        self._configs = self._data_dir / "workers"
        self._logs = self._data_dir / "logs"

    def config_path(self, worker_id: str) -> Path:
        """Return the path of the configuration file, which is on the worker's command line."""
        return self._configs / f"{worker_id}.toml"

    def log_path(self, worker_id: str) -> Path:
        """Return the file that the worker's stdout and stderr are appended to, over all its restarts."""
        return self._logs / f"{worker_id}.log"

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        self._configs.mkdir(exist_ok=True)
        self._logs.mkdir(exist_ok=True)

    def write_config(self, worker_id: str, settings: Mapping[str, Any]) -> Path:
        """Write the configuration atomically, readable by the hive's user alone. Raises OSError."""
        path = self.config_path(worker_id)
        draft = path.with_name(path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(toml_text(settings))
        draft.replace(path)
        return path

    def remove_config(self, worker_id: str) -> None:
        """Remove the configuration of a worker whose row was removed. The log stays: it explains the end."""
        self.config_path(worker_id).unlink(missing_ok=True)

    def last_lines(self, worker_id: str, *, since: int, count: int = 10) -> list[str]:
        """Return the last `count` lines written after byte `since`; none when the log cannot be read."""
        try:
            with self.log_path(worker_id).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(since, size - _TAIL_BYTES))
                text = file.read(_TAIL_BYTES).decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]

    def last_message(self, lines: Sequence[str]) -> str | None:
        """Return the last line that is not JSON, shortened and without the host's paths; None when there is none.

        A daemon's log lines are JSON; its exit message and a traceback's last line are not.
        """
        for line in reversed(lines):
            if not line.lstrip().startswith("{"):
                text = line.replace(str(self._data_dir) + os.sep, "").replace(str(self._data_dir), ".")
                return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[:_MESSAGE_CHARACTERS]}…"
        return None


def toml_text(settings: Mapping[str, Any]) -> str:
    """Return settings as TOML: strings, numbers, booleans, lists of those, and nested tables. None is left out.

    The standard library only reads TOML. A JSON string is a TOML basic string as long as no character is written
    as a surrogate pair, and DEL, which TOML forbids, is escaped.
    """
    lines: list[str] = []
    _write_table(lines, "", settings)
    return "\n".join(lines) + "\n"


def _write_table(lines: list[str], prefix: str, table: Mapping[str, Any]) -> None:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if prefix and plain:
        lines.append(f"[{prefix}]")
    lines.extend(f"{key} = {_value(value)}" for key, value in plain.items() if value is not None)
    for key, value in table.items():
        if isinstance(value, Mapping):
            _write_table(lines, f"{prefix}.{key}" if prefix else key, value)


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise TypeError(f"a worker's configuration cannot contain {type(value).__name__}")
