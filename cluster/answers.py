"""The parts of an answer, also of one that lacks them."""

from __future__ import annotations

import json
from typing import Any

from beehave.http import Answer


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the `error` object of an answer in the contract's error shape, an empty one for any other."""
    try:
        error = json.loads(answer.text)["error"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def details_of(answer: Answer) -> dict[str, Any]:
    """Return the details of an error, an empty object when the answer has none."""
    details = error_of(answer).get("details")
    return details if isinstance(details, dict) else {}


def retry_after_s(answer: Answer) -> int:
    """Return the seconds that `Retry-After` gives, -1 when the header is absent or no number of seconds."""
    value = answer.headers.get("retry-after", "")
    return int(value) if value.isdecimal() else -1
