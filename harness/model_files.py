"""Model files as the contract has them: the safetensors layout, small, made on this machine.

Layout (huggingface/safetensors, "Format"): 8 bytes with the header's length, little-endian; the header as JSON,
each tensor with its type, shape and the offsets of its data; then the data. `__metadata__` holds strings only.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

MIB = 1024 * 1024
CHUNK = 4 * MIB


def write_model(path: Path, ref: str, size_bytes: int) -> None:
    """Write a model of `size_bytes` of data that is the same for the same ref."""
    header = {
        "__metadata__": {"ref": ref, "memory_bytes": str(size_bytes)},
        "weights": {"dtype": "U8", "shape": [size_bytes], "data_offsets": [0, size_bytes]},
    }
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    noise = random.Random(ref)  # noqa: S311 - the same bytes for the same name, not a secret
    block = noise.randbytes(min(CHUNK, size_bytes))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        written = 0
        while written < size_bytes:
            written += file.write(block[: size_bytes - written])


def file_name(ref: str) -> str:
    """Return the name of a model's file; `:` is not allowed in file names everywhere."""
    return ref.replace(":", "--") + ".safetensors"
