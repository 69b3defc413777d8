"""Model references and their files: one to one, and never a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemons.common.wire import MODEL_REF_PATTERN, is_model_ref
from daemons.hive.refs import model_path
from daemons.hive.wire import PullRequest

FOLDER = Path("/models")


@pytest.mark.parametrize("ref", ["tiny", "tiny:1b", "a", "0", "qwen2.5-coder:7b_q4", "a.b_c-d:e.f", "x" * 128])
def test_references(ref):
    assert is_model_ref(ref)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "Tiny:1b",
        "../etc/passwd",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "a\0",
        "tiny:1b\n",
        "tiny:",
        ":1b",
        "a:b:c",
        "-a",
        "a b",
        "é",
        "a--b",
        "a-:b",
        "a:-b",
        "x" * 129,
        "a%2fb",
        "$(id)",
    ],
)
def test_no_references(ref):
    assert not is_model_ref(ref)
    with pytest.raises(ValueError, match="model reference"):
        model_path(FOLDER, ref)
    with pytest.raises(ValidationError):
        PullRequest(model=ref)


def test_file_name():
    assert model_path(FOLDER, "tiny:1b") == FOLDER / "tiny--1b.safetensors"


refs = st.from_regex(MODEL_REF_PATTERN, fullmatch=True).filter(is_model_ref)


@given(refs)
def test_the_file_stays_in_its_folder(ref):
    assert model_path(FOLDER, ref).resolve().parent == FOLDER


@given(refs, refs)
def test_two_references_never_share_a_file(one, other):
    assert one == other or model_path(FOLDER, one) != model_path(FOLDER, other)
