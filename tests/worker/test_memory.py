"""What a worker holds: booked before it is used, given back however a request ends."""

from __future__ import annotations

import os
import time

import anyio
import pytest

from daemons.common.ledger import DeviceFullError, Holder, Ledger
from daemons.common.model_needs import Needs
from daemons.common.process import start_ticks
from daemons.worker.memory import BLOCK_TOKENS, CHARGE_STEP_BYTES, DeviceMemory, HostMemory, open_cache

STEP = CHARGE_STEP_BYTES


class CountedLedger(Ledger):
    """Writes down what was booked, step by step."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.steps: list[int] = []

    def put(self, wanted: Holder) -> None:
        super().put(wanted)
        self.steps.append(wanted.held_bytes)


@pytest.fixture
def ledger(tmp_path) -> CountedLedger:
    return CountedLedger(tmp_path / "gpu0.ledger", 10 * STEP)


@pytest.fixture
def device(ledger) -> DeviceMemory:
    me = os.getpid()
    return DeviceMemory("gpu0", ledger, Holder("i-1", "w", me, start_ticks(me) or 0, reserved_bytes=STEP))


def test_weights_are_charged_step_by_step(device, ledger):
    needs = Needs(STEP, 100, 4 * STEP)
    device.load_up_to(0.5, needs)
    assert ledger.steps == [STEP, 2 * STEP]
    device.load_up_to(1.0, needs)
    device.loaded()
    assert ledger.steps == [STEP, 2 * STEP, 3 * STEP, 4 * STEP, 4 * STEP]
    assert ledger.holders()[0].reserved_bytes == 0


def test_a_device_that_is_too_small_says_what_the_whole_model_needs(device, ledger):
    with pytest.raises(DeviceFullError) as caught:
        device.load_up_to(1.0, Needs(STEP, 100, 12 * STEP))
    assert (caught.value.needed_bytes, caught.value.available_bytes) == (12 * STEP, 10 * STEP)
    assert ledger.holders()[0].held_bytes == 10 * STEP
    device.release()
    assert ledger.holders() == []


def test_after_the_release_nothing_is_booked(device, ledger):
    device.load_up_to(1.0, Needs(STEP, 100, STEP))
    device.release()
    device.load_up_to(1.0, Needs(STEP, 100, 5 * STEP))
    device.take(STEP)
    device.give_back([STEP])
    assert ledger.holders() == []


@pytest.mark.anyio
async def test_a_cache_grows_by_blocks_and_is_given_back(device, ledger):
    with open_cache(device, 10) as cache:
        await cache.add(1)
        assert device.held_bytes == BLOCK_TOKENS * 10
        await cache.add(BLOCK_TOKENS - 1)
        assert device.held_bytes == BLOCK_TOKENS * 10
        await cache.add(1)
        assert device.held_bytes == 2 * BLOCK_TOKENS * 10
    assert device.held_bytes == 0


@pytest.mark.anyio
async def test_a_request_that_is_ended_while_it_waits_for_a_block_keeps_nothing(ledger):
    class Slow(DeviceMemory):
        def take(self, size_bytes: int) -> object:
            time.sleep(0.2)
            return super().take(size_bytes)

    me = os.getpid()
    device = Slow("gpu0", ledger, Holder("i-1", "w", me, start_ticks(me) or 0))
    with anyio.move_on_after(0.05), open_cache(device, 10) as cache:
        await cache.add(1)
    await anyio.sleep(0.5)
    assert device.held_bytes == 0


@pytest.mark.anyio
async def test_a_model_without_a_cache_takes_nothing():
    with open_cache(HostMemory(), 0) as cache:
        await cache.add(1000)


def test_the_hosts_memory_is_written_to():
    taken = HostMemory().take(4096)
    assert isinstance(taken, bytearray)
    assert set(taken) == {1}


def test_a_worker_that_its_device_refuses_ends_with_7_and_says_what_it_needs(start, model_file, tmp_path):
    metadata = {"ref": "tiny:1b", "memory_bytes": "1", "device_bytes": "1000"}
    flags = ["--device.name", "gpu0", "--device.memory_bytes", "400", "--device.ledger", str(tmp_path / "gpu0.ledger")]
    worker = start(*flags, model=model_file(__metadata__=metadata))
    assert worker.exit_status() == 7
    said = worker.wait_for("out_of_memory")
    assert (said["device"], said["during"]) == ("gpu0", "loading")
    assert (said["needed_bytes"], said["available_bytes"]) == (1000, 400)
    (words,) = worker.last_words()
    assert words.startswith("worker: out of memory while loading: device gpu0 has 400 free bytes, it needs 1000.")
    assert Ledger(tmp_path / "gpu0.ledger", 400).holders() == []
