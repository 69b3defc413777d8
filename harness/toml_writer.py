"""Writing the daemons' configuration: the small part of TOML that they need; the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_toml(path: Path, tables: Mapping[str, Any]) -> None:
    """Write scalars, lists of scalars and one level of tables; the scalars first, as TOML wants them."""
    lines = [f"{key} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping)]
    for name, table in tables.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _value(value: Any) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's as well, as long as nothing beyond ASCII is escaped
    # by pairs of surrogates; ensure_ascii=False leaves such characters as they are.
    return json.dumps(value, ensure_ascii=False)
