"""A writer for the small part of TOML that daemons' configurations need; the standard library only reads TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_toml(path: Path, tables: Mapping[str, Any]) -> None:
    """Write scalars, lists of scalars, and one level of tables or lists of tables; TOML requires scalars first."""
    below = {name: value for name, value in tables.items() if isinstance(value, Mapping) or _is_list_of_tables(value)}
    lines = [f"{key} = {_value(value)}" for key, value in tables.items() if key not in below]
    for name, value in below.items():
        for table in [value] if isinstance(value, Mapping) else value:
            head = f"[{name}]" if isinstance(value, Mapping) else f"[[{name}]]"
            lines += ["", head, *(f"{key} = {_value(entry)}" for key, entry in table.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _value(value: Any) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's as well, as long as nothing beyond ASCII is escaped
    # by pairs of surrogates; ensure_ascii=False leaves such characters as they are.
    return json.dumps(value, ensure_ascii=False)
