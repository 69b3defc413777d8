"""The rules of the forward proxy: which bytes wait, how long, and which connections are reset."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Rule:
    """One rule: what happens to the bytes that go from one host to another."""

    source: str
    destination: str
    source_port: int | None = None
    """The port that the source listens on, when the rule is about responses of one daemon only."""
    destination_port: int | None = None
    drop: bool = False
    reset: bool = False
    delay_ms: float = 0
    bytes_per_s: float = 0
    hits: int = 0
    free_at: float = 0.0
    """When a rate-limited link will be free again; all its connections share it."""


@dataclass(frozen=True)
class Flow:
    """One direction of one connection; a client's own port is unknown and None."""

    source: str
    destination: str
    source_port: int | None
    destination_port: int | None

    def matches(self, rule: Rule) -> bool:
        """Return whether the rule is about these bytes."""
        ports = (rule.source_port in {None, self.source_port}, rule.destination_port in {None, self.destination_port})
        return (rule.source, rule.destination) == (self.source, self.destination) and all(ports)


class ResetRequestedError(Exception):
    """A rule requires this connection to be reset."""


@dataclass
class Rules:
    """All rules in force; flows wait here while one of them drops their bytes."""

    rules: dict[int, Rule] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _last: int = 0

    def control(self, message: dict[str, Any]) -> dict[str, Any]:
        """Execute one control message and return the reply."""
        known = message.get("id") in self.rules
        match message.get("op"):
            case "add":
                self._last += 1
                self.rules[self._last] = Rule(**message["rule"])
                return {"id": self._last}
            case "remove" if known:
                rule = self.rules.pop(message["id"])
                self._changed.set()
                self._changed = asyncio.Event()
                return {"hits": rule.hits}
            case "hits" if known:
                return {"hits": self.rules[message["id"]].hits}
            case _:
                return {"error": "no such op, or no such rule"}

    async def pass_through(self, flow: Flow, size: int, *, arrived: float | None = None) -> None:
        """Wait until `size` bytes of this flow may be sent; they came at `arrived` on the loop's clock (default: now).

        Raises:
            ResetRequestedError: a rule resets the connection.
        """
        if not self.rules:
            return
        now = asyncio.get_running_loop().time
        began = now() if arrived is None else arrived
        counted: set[int] = set()
        while held := self._holding(flow, counted):
            if held.reset:
                raise ResetRequestedError
            await self._changed.wait()
        for rule in [rule for rule in self.rules.values() if flow.matches(rule)]:
            due = began + rule.delay_ms / 1000
            if rule.bytes_per_s:
                due = rule.free_at = max(due, rule.free_at) + size / rule.bytes_per_s
            rule.hits += 1
            if due > now():
                await asyncio.sleep(due - now())

    def _holding(self, flow: Flow, counted: set[int]) -> Rule | None:
        """Return the first rule that holds these bytes back; each rule counts them once."""
        for number, rule in self.rules.items():
            if flow.matches(rule) and (rule.drop or rule.reset):
                if number not in counted:
                    counted.add(number)
                    rule.hits += 1
                return rule
        return None
