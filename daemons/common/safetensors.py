"""The header of a model file in the safetensors layout.

Eight bytes with the header's length, then a JSON object that says where each tensor lies, then the tensors' bytes.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, Final

METADATA: Final = "__metadata__"
"""The key of the header that is no tensor: an object whose values are text."""
_LENGTH: Final = struct.Struct("<Q")
_MAX_HEADER_BYTES: Final = 100_000_000
"""The limit of the reference implementation: a longer header is an attack or a broken length."""


def read_header(file: BinaryIO, size_bytes: int) -> tuple[dict[str, Any], int]:
    """Read the header of an open file of `size_bytes`; return it, and where the tensors' bytes begin.

    Raises:
        ValueError: with the reason, it is not such a file.
    """
    prefix = file.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        raise ValueError(f"has {size_bytes} bytes, too few for a header")
    (length,) = _LENGTH.unpack(prefix)
    if length > min(_MAX_HEADER_BYTES, size_bytes - _LENGTH.size):
        raise ValueError(f"its header claims {length} bytes, the file has {size_bytes}")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise ValueError("its header is not JSON") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")  # noqa: TRY004 a fault of the file, as the others
    if not isinstance(header.get(METADATA, {}), dict):
        raise ValueError("__metadata__ is not an object")  # noqa: TRY004
    return header, _LENGTH.size + length
