"""Parameter types of the sentences about child runs: `{fence:Fence}` reads `namespaces` and `portable mode`."""

# mypy: disable-error-code="untyped-decorator"
# (parse has no types)

from __future__ import annotations

import signal

import parse
from behave import register_type

FENCES = {"namespaces": "require", "portable mode": "off", "the sandbox of its choice": "auto"}
"""The names of the sandboxes in features, and their values for `-D sandbox=`."""


@parse.with_pattern("|".join(FENCES))
def _fence(text: str) -> str:
    return FENCES[text]


@parse.with_pattern(r"SIG[A-Z]+")
def _signal(text: str) -> signal.Signals:
    return signal.Signals[text]


@parse.with_pattern(r"launcher|run|reaper|terminal")
def _part(text: str) -> str:
    return text


@parse.with_pattern(r'[^"]+')
def _quoted(text: str) -> str:
    return text


@parse.with_pattern(r"with|without")
def _with_or_without(text: str) -> bool:
    return text == "with"


register_type(Fence=_fence, Signal=_signal, Part=_part, Quoted=_quoted, WithOrWithout=_with_or_without)
