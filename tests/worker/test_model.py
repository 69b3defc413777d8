"""Model files: what is right is read byte for byte, and everything else is refused with the reason."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemons.common.exits import ExitStatus
from daemons.worker.model import STEP_BYTES, Loading, ModelError, inspect


def reason(path) -> str:
    with pytest.raises(ModelError) as caught:
        inspect(path)
    assert caught.value.status is ExitStatus.MODEL
    assert str(path.parent) not in caught.value.message
    return caught.value.reason


def tensor(begin: int, end: int, shape: list[int], dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_right_file_is_read_into_memory(model_file):
    data = bytes(range(256)) * 10_000  # more than two steps
    path = model_file(data)
    loading = Loading(inspect(path))
    assert (loading.file.ref, loading.file.data_bytes, loading.progress) == ("tiny:1b", len(data), 0)
    assert loading.read()
    assert b"".join(loading.memory) == data
    assert len(loading.memory) == -(-len(data) // STEP_BYTES)
    assert loading.progress == 1
    assert loading.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_several_tensors_fill_the_data_in_any_order(model_file):
    path = model_file(
        bytes(24), weights=None, b=tensor(8, 24, [2, 2], "F32"), a=tensor(0, 8, [4], "BF16"), empty=tensor(8, 8, [0])
    )
    assert inspect(path).data_bytes == 24


def test_a_file_of_somebody_else_may_have_no_name(model_file):
    assert inspect(model_file(__metadata__=None)).ref is None


def test_an_empty_model_is_loaded_at_once(model_file):
    loading = Loading(inspect(model_file(b"")))
    assert loading.progress == 0
    assert loading.read()
    assert loading.progress == 1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"weights": tensor(0, 99, [4096])}, "tensor 'weights' has 99 bytes, its shape needs 4096"),
        ({"weights": tensor(0, 4096, [4096], "F32")}, "its shape needs 16384"),
        ({"weights": tensor(1, 4097, [4096])}, "begins at 1, expected 0"),
        ({"weights": tensor(-1, 4095, [4096])}, "tensor 'weights' has"),
        ({"weights": tensor(0, 4000, [4000])}, "its tensors need 4000 bytes of data, the file has 4096"),
        ({"more": tensor(4096, 4100, [4])}, "its tensors need 4100 bytes of data, the file has 4096"),
        ({"more": tensor(0, 4096, [4096])}, "begins at 0, expected 4096"),
        ({"weights": tensor(0, 4096, [4096], "X9")}, "has an invalid description"),
        ({"weights": {"shape": [4096]}}, "has an invalid description"),
        ({"weights": 7}, "has an invalid description"),
        ({"weights": None}, "its tensors need 0 bytes"),
        ({"__metadata__": []}, "__metadata__ is not an object"),
    ],
)
def test_a_header_that_contradicts_itself_or_the_file(model_file, header, said):
    assert said in reason(model_file(bytes(4096), **header))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 bytes, too few for a header"),
        (b"1234567", "has 7 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header claims 9223372036854775808 bytes, the file has 10"),
        (struct.pack("<Q", 3) + b"{}", "its header claims 3 bytes"),
        (struct.pack("<Q", 2) + b"{]", "its header is not JSON"),
        (struct.pack("<Q", 2) + b"\xff\xff", "its header is not JSON"),
        (struct.pack("<Q", 2) + b"[]", "its header is not an object"),
    ],
)
def test_a_file_that_is_no_model(tmp_path, content, said):
    path = tmp_path / "m"
    path.write_bytes(content)
    assert said in reason(path)


def test_a_file_that_is_not_there(tmp_path):
    assert reason(tmp_path / "m") == "cannot be read: No such file or directory"


def test_a_folder(tmp_path):
    assert reason(tmp_path) == "cannot be read: Is a directory"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cut=st.integers(1, 300))
def test_a_truncated_file_is_always_noticed(model_file, cut):
    path = model_file(bytes(100))
    path.write_bytes(path.read_bytes()[:-cut])
    reason(path)


def test_a_file_that_shrinks_while_it_is_read(model_file):
    path = model_file(bytes(100))
    loading = Loading(inspect(path))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="became shorter"):
        loading.read()


def test_a_load_can_be_stopped(model_file):
    loading = Loading(inspect(model_file(bytes(3 * STEP_BYTES))))
    loading.stop()
    assert not loading.read()
    assert loading.sha256 is None
