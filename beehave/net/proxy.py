"""The forward proxy of a run: where no kernel rule can break a link, every daemon dials through it.

`python -m beehave.net.proxy --config FILE`; FILE is JSON: `{"host", "port", "control_port", "names": {user: host}}`.
The daemons are pointed at it by the standard HTTP_PROXY variable; the user name in that URL is the node that dials. A
request's line is rewritten to the origin form, the proxy's headers are taken off, `Connection: close` is added, and
then bytes are copied both ways, streams included. Like TCP it delivers what it holds up when the link heals, also when
the sender has given up meanwhile.

The control port takes one JSON object a line and answers with one: `{"op": "add", "rule": {...}}` gives `{"id": n}`;
`{"op": "remove", "id": n}` and `{"op": "hits", "id": n}` give `{"hits": n}`, the number of times that the rule held
something up. `GET /health`, asked of the proxy itself, says that it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import uuid
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beehave.net.proxy_rules import Flow, ResetRequestedError, Rules

# A scenario may end while the proxy still starts; it ends with status 0 then too.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

PIECE_BYTES = 16384
HEAD_LIMIT_BYTES = 65536
PIECES_ON_THE_WAY = 1024
"""How many chunks may be in flight in one direction of a connection: a delay must not reduce the throughput."""
INSTANCE = str(uuid.uuid4())


@dataclass(frozen=True)
class Head:
    """The head of a request, as it came and as it goes on."""

    dialler: str
    """The host of the node that dials."""
    host: str
    port: int
    rewritten: bytes


class Proxy:
    """The proxy server: copies requests and responses between daemons, as the rules allow."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self.rules = Rules()

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one control connection."""
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(json.dumps(self.rules.control(json.loads(line))).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a daemon: one request and its answer."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /health "):
                writer.write(_health())
            else:
                await self._pass_on(read_head(head, self._names), reader, writer)
        except ResetRequestedError:
            reset(writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the client hung up, or is none of the daemons: nothing to answer
        except (ConnectionError, OSError):
            reset(writer)  # the daemon that dials must see a failed connection, not a response of the proxy
        finally:
            writer.close()

    async def _pass_on(self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = Flow(head.dialler, head.host, None, head.port), Flow(head.host, head.dialler, head.port, None)
        for handshake in (there, back):  # a lost SYN and a lost SYN-ACK look the same to the client
            await self.rules.pass_through(handshake, 0)
        answer, upstream = await asyncio.open_connection(head.host, head.port, local_addr=(head.dialler, 0))
        try:
            onward = asyncio.create_task(self._copy(reader, upstream, there, first=head.rewritten))
            homeward = asyncio.create_task(self._copy(answer, writer, back))
            try:
                pending = {onward, homeward}
                while homeward in pending:  # when the response has ended, no further request is read
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            finally:
                onward.cancel()
                homeward.cancel()
        except (ResetRequestedError, ConnectionError):
            reset(upstream)
            raise
        finally:
            upstream.close()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow, *, first: bytes = b""
    ) -> None:
        """Copy `first` and all that is read, each chunk delayed as the rules say, then close the writing side."""
        now = asyncio.get_running_loop().time
        pieces: asyncio.Queue[tuple[float, bytes | ConnectionError]] = asyncio.Queue(PIECES_ON_THE_WAY)

        async def read() -> None:
            # Reading runs ahead of writing, so that a delayed chunk does not delay the arrival of the next one.
            piece: bytes | ConnectionError = b"-"
            while piece and not isinstance(piece, ConnectionError):
                try:
                    piece = await reader.read(PIECE_BYTES)
                except ConnectionError as error:
                    piece = error
                await pieces.put((now(), piece))

        if first:
            pieces.put_nowait((now(), first))
        reading = asyncio.create_task(read())
        try:
            while True:
                arrived, piece = await pieces.get()
                if isinstance(piece, ConnectionError):
                    raise piece  # only now: the chunks before it have been delivered
                await self.rules.pass_through(flow, len(piece), arrived=arrived)
                if not piece:  # the end of the stream, delayed like data
                    break
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        finally:
            reading.cancel()


def read_head(head: bytes, names: dict[str, str]) -> Head:
    """Parse a request's head: which node dials which, and the head to send to the daemon behind the proxy.

    Raises:
        ValueError: it is not a request of one of `names` in the absolute form.
    """
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, version = first.split(" ", 2)
    url = urlsplit(target)
    user = ""
    kept = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "proxy-authorization":
            user = b64decode(value.strip().split(" ", 1)[1]).decode().partition(":")[0]
        elif name.lower() not in {"proxy-connection", "connection"}:
            kept.append(line)
    if url.hostname is None or user not in names:
        raise ValueError(f"not a request of a known daemon: {first}")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    rewritten = "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""])
    return Head(names[user], url.hostname, url.port or 80, rewritten.encode("latin-1"))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset: a zero linger time throws away what was not sent and says so."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _health() -> bytes:
    body = json.dumps({"status": "ok", "role": "proxy", "pid": os.getpid(), "instance": INSTANCE}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def _run(config: dict[str, Any]) -> None:
    proxy = Proxy(config["names"])
    await asyncio.start_server(proxy.serve, config["host"], config["port"], limit=HEAD_LIMIT_BYTES)
    await asyncio.start_server(proxy.control, config["host"], config["control_port"])
    await asyncio.Event().wait()  # SIGTERM ends the process at once: connections that a rule holds back would never end


def main() -> None:
    """Serve until SIGTERM, which ends it with status 0."""
    parser = argparse.ArgumentParser(description="The forward proxy of the suite")
    parser.add_argument("--config", type=Path, required=True, help="a JSON file: host, port, control_port, names")
    asyncio.run(_run(json.loads(parser.parse_args().config.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
