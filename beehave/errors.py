"""The harness's own exception: something is wrong with the run itself, not with the product."""

from __future__ import annotations


class HarnessError(Exception):
    """The harness could not do what a step requested; the message says what failed and how to fix it."""
