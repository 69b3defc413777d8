"""The one exception of the harness, for what is wrong with the run itself and not with the product."""

from __future__ import annotations


class HarnessError(Exception):
    """The harness could not do what a step asked for; the message says what, and what to do about it."""
