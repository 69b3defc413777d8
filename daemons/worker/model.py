"""A model file: checked before the worker starts, then read into memory.

The tensors must fill the file without gap or overlap. Anything else is a corrupt file, refused with the reason.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemons.common.exits import ExitStatus, FatalError
from daemons.common.model_needs import Needs
from daemons.common.safetensors import METADATA, read_header

STEP_BYTES = 1024 * 1024
"""How much is read at a time: between two steps the load reports progress and can be stopped."""

_ITEM_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64}  # fmt: skip


class ModelError(FatalError):
    """The model file is missing or corrupt: exit 4, with the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            ExitStatus.MODEL, f"model file {path.name}: {reason}. Pull the model again, or check --model.path."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file with a valid header."""

    path: Path
    ref: str | None
    """The model's name in the file's header."""
    data_start: int
    size_bytes: int
    needs: Needs

    @property
    def data_bytes(self) -> int:
        """How many bytes the tensors take."""
        return self.size_bytes - self.data_start


def inspect(path: Path) -> ModelFile:
    """Read the header and check it against the file's length.

    Raises:
        ModelError: with the reason.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header, start = read_header(file, size)
        metadata = header.pop(METADATA, {})
        _check_tensors(header, size - start)
        needs = Needs.of(metadata, size - start)
    except OSError as error:
        raise ModelError(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(path, str(error)) from None
    ref = metadata.get("ref")
    return ModelFile(path, ref if isinstance(ref, str) else None, start, size, needs)


def _check_tensors(tensors: Mapping[str, Any], data_bytes: int) -> None:
    """Raise ValueError unless the tensors' offsets fit their shapes, and together they fill the data exactly."""
    spans: list[tuple[int, int, str]] = []
    for name, tensor in tensors.items():
        try:
            begin, end = (int(offset) for offset in tensor["data_offsets"])
            expected = math.prod(int(side) for side in tensor["shape"]) * _ITEM_BITS[tensor["dtype"]] // 8
        except (TypeError, KeyError, ValueError):
            raise ValueError(f"tensor {name[:64]!r} has an invalid description") from None
        if begin < 0 or end - begin != expected:
            raise ValueError(f"tensor {name[:64]!r} has {end - begin} bytes, its shape needs {expected}")
        spans.append((begin, end, name))
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at:
            raise ValueError(f"tensor {name[:64]!r} begins at {begin}, expected {at}")
        at = end
    if at != data_bytes:
        raise ValueError(f"its tensors need {at} bytes of data, the file has {data_bytes}")


class Loading:
    """The load of one model file: run `read` in a thread; `progress` and `stop` may be used from any other.

    `before_step` is called in that thread before each step, with the part of the weights that it will have loaded, so
    that their memory can be booked first.
    """

    def __init__(self, file: ModelFile, before_step: Callable[[float], None] = lambda _part: None) -> None:
        self.file = file
        self._before_step = before_step
        self.loaded_bytes = 0
        self.memory: list[bytes] = []
        """The tensors' bytes, kept for as long as the worker runs."""
        self.sha256: str | None = None
        """The digest of the whole file, once it is loaded: the engine's tokens depend on it."""
        self._stop = threading.Event()

    @property
    def progress(self) -> float:
        """The loaded part, 0 to 1."""
        return self.loaded_bytes / self.file.data_bytes if self.file.data_bytes else float(self.sha256 is not None)

    def stop(self) -> None:
        """Cancel the load at its next step."""
        self._stop.set()

    def read(self) -> bool:
        """Read everything; False when it was stopped.

        Raises:
            ModelError: the file cannot be read, or became shorter.
            Exception: what `before_step` raised.
        """
        digest = hashlib.sha256()
        try:
            with self.file.path.open("rb", buffering=0) as file:
                digest.update(file.read(self.file.data_start))
                while self.loaded_bytes < self.file.data_bytes:
                    if self._stop.is_set():
                        return False
                    wanted = min(STEP_BYTES, self.file.data_bytes - self.loaded_bytes)
                    self._before_step((self.loaded_bytes + wanted) / self.file.data_bytes)
                    step = file.read(wanted)
                    if not step:
                        raise ModelError(self.file.path, "became shorter while it was read")
                    digest.update(step)
                    self.memory.append(step)
                    self.loaded_bytes += len(step)
        except OSError as error:
            raise ModelError(self.file.path, f"cannot be read: {error.strerror}") from None
        except MemoryError:
            self.memory.clear()
            raise FatalError(
                ExitStatus.INTERNAL,
                f"not enough memory for the model: it needs {self.file.data_bytes} bytes. Choose a smaller one.",
            ) from None
        self.sha256 = digest.hexdigest()
        return True
