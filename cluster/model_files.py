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


GB = 1_000_000_000

NEEDS: dict[str, dict[str, int]] = {
    "honest:1b": {"memory_bytes": GB, "device_bytes": GB},
    "honest:3b": {"memory_bytes": 3 * GB, "device_bytes": 3 * GB},
    "honest:5b": {"memory_bytes": 5 * GB, "device_bytes": 5 * GB},
    "understated:3b": {"memory_bytes": GB, "device_bytes": 3 * GB},
    "understated:8b": {"memory_bytes": GB, "device_bytes": 8 * GB},
    "understated:200m": {"memory_bytes": MIB},
    "wordy:1b": {"memory_bytes": GB, "device_bytes": GB, "kv_bytes_per_token": 50_000_000},
    "wordy:1m": {"memory_bytes": MIB, "kv_bytes_per_token": MIB},
}
"""Models whose need of memory is not the size of their tensors: what the header declares, in bytes (docs/contract.md).

`memory_bytes` is what the header declares; `device_bytes` and the tensors are what the model really takes. Those that
are called understated take more than they declare; the wordy ones need more with each token that they generate."""


def write_model(path: Path, ref: str, size_bytes: int) -> None:
    """Write a model of `size_bytes` of data that is the same for the same ref, with the needs of that ref."""
    needs = {"memory_bytes": size_bytes} | NEEDS.get(ref, {})
    header = {
        "__metadata__": {"ref": ref} | {key: str(value) for key, value in needs.items()},
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
