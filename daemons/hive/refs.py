"""Model references and the names of their files: one to one, and never a path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

REF_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]*(:[a-z0-9._-]+)?$"
"""`tiny:1b`: lower-case letters, digits, dots, dashes and underscores, and at most one tag behind a colon."""
REF_MAX_LENGTH: Final = 128
"""Well under the 255 bytes of a file name, with the suffixes that follow it."""

_REF: Final = re.compile(REF_PATTERN)
_SUFFIX: Final = ".safetensors"
_AMBIGUOUS: Final = ("--", "-:", ":-")
"""The colon becomes `--` in the file name, so next to another dash two refs would share one file."""


def is_model_ref(text: str) -> bool:
    """Return whether `text` is a model reference. It cannot leave a folder: no slash, no leading dot, no NUL."""
    return (
        len(text) <= REF_MAX_LENGTH
        and _REF.fullmatch(text) is not None
        and not any(pair in text for pair in _AMBIGUOUS)
    )


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
