"""How much memory a model needs: what it declares, and what it will really take.

The header of a model file says in `__metadata__`, where every value is text:

- `memory_bytes`: the declared need, by which models are admitted. The size of the tensors when it is absent.
- `device_bytes`: what the weights take on a device, unpacked and with the loader's buffers; a loader finds that out
  while it loads. The size of the tensors when it is absent.
- `kv_bytes_per_token`: what the engine keeps for each token of a running request. 0 when it is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemons.common.safetensors import METADATA, read_header


@dataclass(frozen=True, slots=True)
class Needs:
    """What one model needs, in bytes."""

    declared_bytes: int
    tensor_bytes: int
    """What the weights take in the host's memory: the tensors as they are in the file."""
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
                raise ValueError(f"{METADATA}.{key} is not a number of bytes")
            return int(text)

        return cls(
            declared_bytes=number("memory_bytes", tensor_bytes),
            tensor_bytes=tensor_bytes,
            device_bytes=number("device_bytes", tensor_bytes),
            kv_bytes_per_token=number("kv_bytes_per_token", 0),
        )


def read_needs(path: Path) -> Needs | None:
    """Return what the model of a file needs; None when its header is invalid, which the worker then reports."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header, data_start = read_header(file, size)
        return Needs.of(header.get(METADATA, {}), size - data_start)
    except (OSError, ValueError):
        return None
