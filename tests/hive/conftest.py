"""What the tests of the hive share: real small workers, real hives, a hub and a queen that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .live import LiveHive


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
