"""Which versions of hives this queen accepts. Pure."""

from __future__ import annotations

import re

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.version import VERSION

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return major, minor and patch; None when the text is not a version."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def is_compatible(theirs: str, ours: str = VERSION) -> bool:
    """Return whether a hive of version `theirs` may join a queen of version `ours`.

    It needs the same major version, and no older minor version. A patch never changes the contract, so that a cluster
    can be updated node by node.
    """
    hive, queen = parse_version(theirs), parse_version(ours)
    return hive is not None and queen is not None and hive[0] == queen[0] and hive[1] >= queen[1]


def refuse_incompatible(theirs: str) -> None:
    """Raise ApiError for a hive of a version that this queen does not accept."""
    if not is_compatible(theirs):
        message = f"this queen is of version {VERSION}; a hive must have the same major version and not be older"
        raise ApiError(ErrorCode.VERSION_MISMATCH, message, details={"queen_version": VERSION})
