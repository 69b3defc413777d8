"""The interface between a relay and the role's routing: targets, attempts and what they say about a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from starlette.types import Scope

from daemons.common.client import PeerFault
from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request is sent."""

    url: str
    """The full URL of the next hop's inference route."""
    label: str
    """The worker's or hive's id, for logs; never an address."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers for this target (X-Worker-Id)."""


class Verdict(StrEnum):
    """What one attempt says about its target."""

    SERVED = "served"
    """It answered completely."""
    REFUSED = "refused"
    """It answered with an error of its own, before or in the stream; `code` says which. The hop itself works."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke before anything was passed on: mark it down."""
    BROKE = "broke"
    """It broke or stalled after its answer had begun: mark it down."""
    ENDED = "ended"
    """The request was ended from this side (client, cancel, drain, deadline): says nothing about the target."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt on a target went."""

    verdict: Verdict
    code: ErrorCode | None = None
    """The target's own code for REFUSED (None: not our shape); ours for UNREACHABLE and BROKE."""
    fault: PeerFault | None = None
    """How the connection failed, for UNREACHABLE and BROKE."""


class Route(Protocol):
    """Where one request may go. One object a request, made by the Router."""

    async def pick(self) -> Target:
        """Return the next target, with a slot taken; not one that this request failed on.

        May wait (a queue); the deadline, a hang-up and DELETE interrupt it by cancellation.

        Raises:
            ApiError: there is none. When an attempt failed before, the client gets that failure instead.
        """

    def release(self, target: Target, attempt: Attempt) -> None:
        """Free the slot of a target, and mark it down if the attempt says so. Called once for each pick."""


class Router(Protocol):
    """A role's routing."""

    def route(self, request: ChatRequest | CompletionRequest, scope: Scope) -> Route:
        """Return the route of this request.

        Raises:
            ApiError: it can be served nowhere (404 for an unknown model).
        """
