"""Fixtures of the hive's tests: small workers, hives, and a scripted hub."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from .hubs import ScriptedHub, serving
from .live import LiveHive, model_bytes


@pytest.fixture
def anyio_backend() -> str:
    """The daemons run on asyncio."""
    return "asyncio"


@pytest.fixture
def make_hive(tmp_path) -> Iterator[Callable[..., LiveHive]]:
    """Make real hives; what they leave behind is ended, however the test goes."""
    made: list[LiveHive] = []

    def make(*flags: str, **options) -> LiveHive:
        folder = tmp_path / f"hive-{len(made)}"
        folder.mkdir()
        made.append(LiveHive(folder, *flags, **options))
        return made[-1]

    yield make
    for hive in made:
        hive.clean_up()


@pytest.fixture
def hive(make_hive) -> LiveHive:
    """A hive that runs."""
    return make_hive().start()


class HubThread:
    """A scripted hub beside a real hive, in a loop of its own."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._serving = serving(hub)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serving.__aenter__(), self._loop).result(5)

    def proceed(self) -> None:
        """Let a held request go on."""
        self._loop.call_soon_threadsafe(self.hub.proceed.set)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._serving.__aexit__(None, None, None), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def hub() -> Iterator[HubThread]:
    """A hub that runs, and does what its script says. Ask for it before `make_hive`: its clients are to end first."""
    thread = HubThread(ScriptedHub(ref="big:7b", content=model_bytes("big:7b", 262_144)))
    thread.start()
    yield thread
    thread.stop()
