"""Model references and the names of their files: one to one, and never a path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from daemons.common.wire import is_model_ref

_SUFFIX: Final = ".safetensors"


def model_path(folder: Path, ref: str) -> Path:
    """Return the file of a model in `folder`, with `:` as `--`. Raises ValueError for an invalid `ref`."""
    if not is_model_ref(ref):
        raise ValueError(f"not a model reference: {ref!r}")
    return folder / (ref.replace(":", "--") + _SUFFIX)


def ref_of_file(path: Path) -> str | None:
    """Return the reference that a model's file is named after; None for any other file."""
    ref = path.name.removesuffix(_SUFFIX).replace("--", ":", 1)
    return ref if path.name.endswith(_SUFFIX) and is_model_ref(ref) else None


def part_path(path: Path) -> Path:
    """Return the file that holds the bytes of a download until they are verified."""
    return path.with_name(path.name + ".part")


def part_note_path(path: Path) -> Path:
    """Return the note beside the part: which file, of which version, its bytes belong to."""
    return path.with_name(path.name + ".part.json")
