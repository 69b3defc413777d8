"""Which hives a queen works with."""

from __future__ import annotations

import pytest

from daemons.common.errors import ApiError
from daemons.common.version import VERSION
from daemons.queen.versions import is_compatible, refuse_incompatible

CASES = [
    ("1.2.3", "1.2.3", True),
    ("1.2.0", "1.2.9", True),  # a patch never changes the contract
    ("1.3.0", "1.2.0", True),  # newer
    ("1.1.9", "1.2.0", False),  # older
    ("2.2.0", "1.2.0", False),
    ("0.2.0", "1.2.0", False),
    ("1.2", "1.2.0", True),
    ("1.2.0rc1", "1.2.0", True),
    ("", "1.2.0", False),
    ("newest", "1.2.0", False),
]


@pytest.mark.parametrize(("theirs", "ours", "compatible"), CASES)
def test_compatible(theirs, ours, compatible):
    assert is_compatible(theirs, ours) is compatible


def test_our_own_version_joins_and_another_major_is_refused():
    refuse_incompatible(VERSION)
    with pytest.raises(ApiError, match="same major"):
        refuse_incompatible("99.0.0")
