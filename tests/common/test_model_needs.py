"""What a model needs, by its header."""

from __future__ import annotations

import json
import struct

import pytest

from daemons.common.model_needs import Needs, read_needs


@pytest.mark.parametrize(
    ("metadata", "needs"),
    [
        ({}, Needs(10, 10, 10, 0)),
        ({"memory_bytes": "5"}, Needs(5, 10, 10, 0)),
        ({"memory_bytes": "5", "device_bytes": "80", "kv_bytes_per_token": "3"}, Needs(5, 10, 80, 3)),
        ({"ref": "tiny:1b", "author": "bees"}, Needs(10, 10, 10, 0)),
    ],
)
def test_what_is_not_said_is_the_size_of_the_tensors(metadata, needs):
    assert Needs.of(metadata, 10) == needs


@pytest.mark.parametrize("wrong", ["-1", "1e9", "", " 5", "５", 5, None.__class__, ["5"]])
def test_a_number_that_is_none_is_named(wrong):
    with pytest.raises(ValueError, match="device_bytes"):
        Needs.of({"device_bytes": wrong}, 10)


def test_a_file_is_read_by_its_header_alone(tmp_path):
    raw = json.dumps({"__metadata__": {"memory_bytes": "7"}}).encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(20))
    assert read_needs(path) == Needs(7, 20, 20, 0)


@pytest.mark.parametrize("content", [b"", b"short", struct.pack("<Q", 1 << 60), struct.pack("<Q", 2) + b"[]"])
def test_a_broken_header_says_nothing(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    assert read_needs(path) is None
    assert read_needs(tmp_path / "absent") is None
