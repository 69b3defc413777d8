"""Downloads: resumed, verified, bounded in tries and in time, and never partial."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from daemons.common.client import PeerClient
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.hive.models.download import Progress, download
from daemons.hive.models.hub import Hub, PassingFaultError
from daemons.hive.models.partfile import PartFile
from daemons.hive.refs import part_note_path, part_path

from .hubs import CONTENT, ScriptedHub, serving

pytestmark = pytest.mark.anyio

DURATIONS = Durations(download_stall_ms=80, download_backoff_ms=1, download_tries=3, connect_ms=500)
HALF = len(CONTENT) // 2


class Fixture:
    """A scripted hub, and the folder that its model is downloaded to."""

    def __init__(self, scripted: ScriptedHub, hub: Hub, path: Path) -> None:
        self.scripted = scripted
        self.hub = hub
        self.path = path
        self.progress = Progress(lambda: None)
        scripted.arrived = lambda: self.progress.received_bytes

    async def pull(self) -> None:
        self.seen: list[int] = []
        self.progress = Progress(self._moved)
        model = await self.hub.describe(self.scripted.ref)
        await download(self.hub, model, self.path, DURATIONS, self.progress)

    def _moved(self) -> None:
        self.seen.append(self.progress.received_bytes)
        self.scripted.changes.notify()

    def left(self) -> list[str]:
        """The names of all files in the folder."""
        return sorted(path.name for path in self.path.parent.iterdir())


@asynccontextmanager
async def fixture(folder: Path, *script: str) -> AsyncIterator[Fixture]:
    async with serving(ScriptedHub(script=list(script))) as scripted, PeerClient("127.0.0.1", DURATIONS) as client:
        yield Fixture(scripted, Hub(client, scripted.url, DURATIONS), folder / "tiny--1b.safetensors")


async def test_a_model_arrives_whole_and_leaves_nothing_beside_it(tmp_path):
    async with fixture(tmp_path) as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.left() == [it.path.name]
        assert it.seen == sorted(it.seen), "progress is monotonic"
        assert it.seen[-1] == len(CONTENT)


async def test_a_broken_connection_is_resumed_at_its_byte(tmp_path):
    async with fixture(tmp_path, f"cut {HALF}", f"cut {HALF + 1_000}") as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0, HALF, HALF + 1_000]
        assert it.scripted.requests[1]["if-range"] == f'"{it.scripted.sha256}"'
        assert it.seen == sorted(it.seen)


async def test_a_stalled_connection_is_given_up_and_resumed(tmp_path):
    async with fixture(tmp_path, f"stall {HALF}") as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0, HALF]


async def test_a_download_goes_on_in_the_next_process(tmp_path):
    async with fixture(tmp_path, f"hold {HALF}") as it:
        first = asyncio.create_task(it.pull())
        await it.scripted.changes.until(lambda: it.progress.received_bytes >= HALF, within_ms=5_000)
        first.cancel()
        await asyncio.wait([first])
        assert part_path(it.path).stat().st_size == HALF
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0, HALF]


async def test_the_file_changed_on_the_hub_in_between(tmp_path):
    async with fixture(tmp_path, *[f"cut {HALF}"] * 3) as it:
        with pytest.raises(ApiError):
            await it.pull()
        it.scripted.content = CONTENT[::-1]
        await it.pull()
        assert it.path.read_bytes() == CONTENT[::-1]
        assert it.scripted.starts[-1] == 0, "bytes of another version are worth nothing"


@pytest.mark.parametrize("answer", ["whole", "elsewhere"])
async def test_a_hub_that_does_not_do_ranges(tmp_path, answer):
    async with fixture(tmp_path, f"cut {HALF}", answer) as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT


@pytest.mark.parametrize("note", [None, "", "{}", '{"etag": null, "sha256": "another", "size": 3}'])
async def test_a_part_of_unknown_origin_is_thrown_away(tmp_path, note):
    async with fixture(tmp_path) as it:
        part_path(it.path).write_bytes(b"not of this file")
        if note is not None:
            part_note_path(it.path).write_text(note)
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0]


async def test_a_part_that_is_complete_is_proved_without_a_request(tmp_path):
    async with fixture(tmp_path) as it:
        part_path(it.path).write_bytes(CONTENT)
        note = {"etag": None, "sha256": it.scripted.sha256, "size": len(CONTENT)}
        part_note_path(it.path).write_text(json.dumps(note))
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.requests == []


async def test_a_file_without_a_row_is_believed_by_its_hash_alone(tmp_path):
    async with fixture(tmp_path) as it:
        it.path.write_bytes(CONTENT)
        await it.pull()
        assert it.scripted.requests == []
        it.path.write_bytes(bytes(len(CONTENT)))
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0]


async def test_wrong_bytes_are_deleted_and_tried_again(tmp_path):
    async with fixture(tmp_path, "wrong") as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT
        assert it.scripted.starts == [0, 0]


async def test_wrong_bytes_each_time_end_in_an_error_and_nothing_on_disk(tmp_path):
    async with fixture(tmp_path, "wrong", "wrong", "wrong") as it:
        with pytest.raises(ApiError) as caught:
            await it.pull()
        assert caught.value.code is ErrorCode.DOWNLOAD_FAILED
        assert it.progress.tries == DURATIONS.download_tries
        assert it.left() == []


async def test_an_interrupted_download_is_never_taken_as_complete(tmp_path):
    async with fixture(tmp_path, *[f"short {HALF}"] * 3) as it:
        with pytest.raises(ApiError) as caught:
            await it.pull()
        assert caught.value.code is ErrorCode.DOWNLOAD_FAILED
        assert not it.path.exists()
        assert it.scripted.starts == [0, HALF, HALF], "its bytes are kept"


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [
        (404, ErrorCode.MODEL_NOT_FOUND, 1),
        (403, ErrorCode.DOWNLOAD_FAILED, 1),
        (401, ErrorCode.DOWNLOAD_FAILED, 1),
        (429, ErrorCode.HUB_UNAVAILABLE, 3),
        (500, ErrorCode.HUB_UNAVAILABLE, 3),
        (503, ErrorCode.HUB_UNAVAILABLE, 3),
    ],
)
async def test_what_the_hub_answers(tmp_path, status, code, tries):
    async with fixture(tmp_path, *[f"status {status}"] * 3) as it:
        with pytest.raises(ApiError) as caught:
            await it.pull()
        assert caught.value.code is code
        assert it.progress.tries == tries


async def test_a_passing_fault_passes(tmp_path):
    async with fixture(tmp_path, "status 503", "status 429") as it:
        await it.pull()
        assert it.path.read_bytes() == CONTENT


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
async def test_a_full_disk_leaves_no_part_and_is_not_tried_again(tmp_path, monkeypatch, fault):
    def refuse(self: PartFile, chunk: bytes) -> None:
        raise OSError(fault, "no room")

    monkeypatch.setattr(PartFile, "_write", refuse)
    async with fixture(tmp_path) as it:
        with pytest.raises(ApiError) as caught:
            await it.pull()
        assert caught.value.code is ErrorCode.STORAGE_FULL
        assert caught.value.status == 507
        assert it.progress.tries == 1
        assert it.left() == []


async def test_metadata(tmp_path):
    async with fixture(tmp_path) as it:
        with pytest.raises(ApiError) as unknown:
            await it.hub.describe("unknown")
        assert unknown.value.code is ErrorCode.MODEL_NOT_FOUND
        for lie in ({"sha256": "short"}, {"size_bytes": -1}, {"size_bytes": "1"}, {"ref": "another"}):
            it.scripted.announced = lie
            with pytest.raises(ApiError) as unusable:
                await it.hub.describe(it.scripted.ref)
            assert unusable.value.code is ErrorCode.DOWNLOAD_FAILED
        it.scripted.metadata_status = 503
        with pytest.raises(PassingFaultError) as away:
            await it.hub.describe(it.scripted.ref)
        assert away.value.error.code is ErrorCode.HUB_UNAVAILABLE
