"""How much memory a model needs, by the header of its file: what it declares, and what it will really take.

A model file (safetensors) says in `__metadata__`, where every value is text:

- `memory_bytes`: the declared need. Whoever published the model vouches for it, and admission goes by it. The size of
  the tensors when it is absent.
- `device_bytes`: what the weights take on a device, unpacked and with the loader's buffers; a loader finds out as it
  goes. The size of the tensors when it is absent.
- `kv_bytes_per_token`: what the engine keeps for each token of a running request. 0 when it is absent.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

METADATA: Final = "__metadata__"
_LENGTH: Final = struct.Struct("<Q")
_MAX_HEADER_BYTES: Final = 100_000_000
"""The limit of safetensors' reference implementation."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one model needs, in bytes."""

    declared_bytes: int
    tensor_bytes: int
    """What the weights take in the host's memory: the tensors as they lie in the file."""
    device_bytes: int
    kv_bytes_per_token: int = 0

    @classmethod
    def of(cls, metadata: Mapping[str, Any], tensor_bytes: int) -> Needs:
        """Read the metadata of a header. Raises ValueError with the key that is wrong."""

        def number(key: str, otherwise: int) -> int:
            text = metadata.get(key)
            if text is None:
                return otherwise
            if not isinstance(text, str) or not text.isascii() or not text.isdigit():
                raise ValueError(f"{METADATA}.{key} is no number of bytes")
            return int(text)

        return cls(
            declared_bytes=number("memory_bytes", tensor_bytes),
            tensor_bytes=tensor_bytes,
            device_bytes=number("device_bytes", tensor_bytes),
            kv_bytes_per_token=number("kv_bytes_per_token", 0),
        )


def read_needs(path: Path) -> Needs | None:
    """What the model of a file needs; None when its header cannot be read: the worker refuses it then, and says why."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            if length > min(_MAX_HEADER_BYTES, size - _LENGTH.size):
                return None
            metadata = json.loads(file.read(length)).get(METADATA, {})
        return Needs.of(metadata, size - _LENGTH.size - length)
    except (OSError, ValueError, RecursionError, AttributeError, struct.error):
        return None
