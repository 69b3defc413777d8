"""Downloading one model: a few tries, each of which resumes the last, and the hash verified at the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp

from daemons.common.client import peer_fault
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.hive.models.hub import Hub, HubModel, PassingFaultError, unreachable
from daemons.hive.models.partfile import DiskError, PartFile

_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Progress:
    """The progress of one pull; `changed` is called whenever it advances."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.verifying = False
        self.received_bytes = 0
        self.tries = 0
        self._changed = changed

    def at(self, received_bytes: int, *, verifying: bool = False) -> None:
        """Set how many bytes are there."""
        self.received_bytes, self.verifying = received_bytes, verifying
        self._changed()


async def download(hub: Hub, model: HubModel, path: Path, durations: Durations, progress: Progress) -> None:
    """Download the file of `model` to `path`, complete and verified, or not at all.

    A file that is there already is kept only when its hash matches. A broken or stalled try keeps its bytes, for this
    process and the next; bytes whose hash is wrong are discarded.

    Raises:
        ApiError: model_not_found, storage_full, download_failed or hub_unavailable.
    """
    pause_ms = durations.download_backoff_ms
    while True:
        progress.tries += 1
        try:
            await _try(hub, model, path, durations, progress)
        except PassingFaultError as fault:
            log.warning("download_try_failed", model=model.ref, tries=progress.tries, why=str(fault))
            if progress.tries >= durations.download_tries:
                raise fault.error from fault
        except DiskError as error:  # another try would meet the same disk
            raise _disk_answer(model, error) from error
        else:
            return
        await asyncio.sleep(pause_ms / 1000)
        pause_ms *= 2


async def _try(hub: Hub, model: HubModel, path: Path, durations: Durations, progress: Progress) -> None:
    async with PartFile(path, sha256=model.sha256, size=model.size_bytes) as part:
        try:
            # Only at first: the hash of a large file takes long, and no other try can have completed it.
            if progress.tries == 1 and await part.is_there():
                await part.discard()
                progress.at(model.size_bytes)
                return
            progress.at(part.length)
            if part.length < model.size_bytes:
                await _fetch(hub, model, part, durations, progress)
            progress.at(part.length, verifying=True)
            if not await part.is_verified():
                await part.discard()
                raise _failed(f"the bytes of {model.ref} from the hub do not have the hash that it announces")
            await part.finish()
        except DiskError as error:
            if error.full:  # a part that cannot grow only occupies the space that others need
                await part.discard()
            raise


async def _fetch(hub: Hub, model: HubModel, part: PartFile, durations: Durations, progress: Progress) -> None:
    """Request the missing bytes once. Return when as many are there as the model has."""
    log.info("download_began", model=model.ref, from_byte=part.length, size_bytes=model.size_bytes)
    stall_s = durations.download_stall_ms / 1000
    try:
        async with asyncio.timeout(stall_s) as bound:
            async with hub.open(model.ref, start=part.length, etag=part.etag) as response:
                # A hub that ignores the range sends the whole file: what is there is dropped then.
                await part.begin(keep=await _first_byte(model, part, response), etag=response.headers.get("etag"))
                while chunk := await response.content.readany():
                    # Each chunk extends the bound: a slow link is no stall.
                    bound.reschedule(asyncio.get_running_loop().time() + stall_s)
                    if part.length + len(chunk) > model.size_bytes:
                        await part.discard()
                        raise _failed(f"the hub sends more bytes for {model.ref} than it announces")
                    await part.write(chunk)
                    progress.at(part.length)
    except (aiohttp.ClientError, ConnectionError) as error:
        raise unreachable(str(peer_fault(error))) from error
    except TimeoutError:
        raise _failed(f"the hub sent no byte of {model.ref} for {durations.download_stall_ms} ms") from None
    if part.length < model.size_bytes:
        raise _failed(f"the hub ended {model.ref} after {part.length} of {model.size_bytes} bytes")


async def _first_byte(model: HubModel, part: PartFile, response: aiohttp.ClientResponse) -> int:
    """Return the byte at which the answer begins: the requested one, or 0 when the hub sends the whole file."""
    if response.status == 200:
        return 0
    sent = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status == 206 and sent and (int(sent[1]), int(sent[2])) == (part.length, model.size_bytes):
        return part.length
    await part.discard()
    raise _failed(f"the hub cannot resume {model.ref} at byte {part.length}")


def _failed(message: str) -> PassingFaultError:
    return PassingFaultError(ApiError(ErrorCode.DOWNLOAD_FAILED, message))


def _disk_answer(model: HubModel, error: DiskError) -> ApiError:
    if error.full:
        message = f"{model.ref} ({model.size_bytes} bytes) does not fit on the disk of this hive; free some space"
        return ApiError(ErrorCode.STORAGE_FULL, message, details={"needed_bytes": model.size_bytes})
    return ApiError(ErrorCode.DOWNLOAD_FAILED, f"{model.ref} cannot be written: {error.reason}")
