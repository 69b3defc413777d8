"""The parameters of the step sentences: `{count:Workers}` reads `1 worker` as well as `4 workers`."""

from __future__ import annotations

import signal

import parse
from behave import register_type


def _counted(noun: str) -> object:
    @parse.with_pattern(rf"(?:a|\d+) {noun}s?")
    def read(text: str) -> int:
        number = text.split(maxsplit=1)[0]
        return 1 if number == "a" else int(number)

    return read


ENDINGS = {"stopped": signal.SIGTERM, "killed": signal.SIGKILL}
"""What the words of the sentences do to a daemon."""


@parse.with_pattern("|".join(ENDINGS))
def _ending(text: str) -> str:
    return text


@parse.with_pattern(r"killed|sent SIGTERM|restarted through the API")
def _worker_ending(text: str) -> str:
    return text


@parse.with_pattern(r"non-streaming|streaming")
def _request_kind(text: str) -> str:
    return text


@parse.with_pattern(r"it|them")
def _subject(text: str) -> str:
    return text


@parse.with_pattern(r"constant|poisson")
def _pace(text: str) -> str:
    return text


register_type(
    Pace=_pace,
    Workers=_counted("worker"),
    Requests=_counted("request"),
    Hives=_counted("hive"),
    Ending=_ending,
    WorkerEnding=_worker_ending,
    RequestKind=_request_kind,
    Subject=_subject,
)
