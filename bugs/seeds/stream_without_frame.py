"""The queen's streams end where the connection ends: no chunked coding, so that a cut looks like an end.

Real: a proxy with `chunked_transfer_encoding off`, or one that speaks HTTP/1.0. Every whole stream is whole; the client
of a queen that was killed is not told.
"""

from __future__ import annotations

import sys
from typing import Any

ROLE = "queen"
PATCHES = "daemons.common.http_server:_Protocol"
CAUGHT_BY = ["features/integration/recovery.feature::A stream through a killed queen ends, and the next one works"]


def seeded(original: Any) -> Any:
    """A protocol whose event streams have neither a length nor chunks."""

    class Protocol(original):  # type: ignore[misc]
        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            cycle = self.cycle
            send = cycle.send

            async def without_frame(message: Any) -> None:
                if any(b"event-stream" in value for _, value in message.get("headers", ())):
                    cycle.chunked_encoding, cycle.keep_alive = False, False
                    cycle.expected_content_length = sys.maxsize
                elif cycle.expected_content_length > 1 << 40 and not message.get("more_body", False):
                    cycle.expected_content_length = len(message.get("body", b""))
                await send(message)

            cycle.send = without_frame

    return Protocol
