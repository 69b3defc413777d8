"""Seeds that the scenarios of features/integration/out_of_memory.feature must notice."""

import asyncio
import os
import signal
import threading
import time
from dataclasses import replace

from bugs.seed import caught_by, seed
from daemons.common.ledger import DeviceFullError, with_holder

OUT_OF_MEMORY = "features/integration/out_of_memory.feature"


@seed(role="hive", patches="daemons.hive.memory.allocator:read_needs")
@caught_by(OUT_OF_MEMORY, "A model that declares more than the device has is refused")
def admits_by_file_size(original):
    """A model is admitted by the size of its tensors, whatever its publisher declares. Found by reading."""

    def read_needs(path):
        needs = original(path)
        return replace(needs, declared_bytes=needs.tensor_bytes) if needs is not None else None

    return read_needs


@seed(role="hive", patches="daemons.hive.memory.devices:Devices._reserve")
@caught_by(OUT_OF_MEMORY, "Another program fills the device")
def available_is_whole_device(original):
    """A worker that does not fit is refused with all that its device has, not with what is free of it."""
    from daemons.hive.memory.insufficient_memory import InsufficientMemoryError

    def _reserve(self, wanted):
        try:
            return str(original(self, wanted))
        except InsufficientMemoryError as short:
            whole = self._ledgers[str(short.shortage.device)].memory_bytes
            raise InsufficientMemoryError(
                short.shortage.model_copy(update={"available_bytes": whole}), short.message
            ) from None

    return _reserve


@seed(role="hive", patches="daemons.hive.memory.devices:Devices.release")
@caught_by(OUT_OF_MEMORY, "A killed worker gives its memory back")
def books_the_dead_on_itself(original):
    """A hive takes what a dead worker held of a device upon itself, and never gives it back."""
    from daemons.common.process import start_ticks

    def take_over(ledger, instance):
        pid = os.getpid()
        for holder in ledger._read():
            if holder.instance == instance:
                ledger.put(replace(holder, pid=pid, start_ticks=start_ticks(pid) or 0))

    async def release(self, name, instance):
        await asyncio.to_thread(take_over, self._ledgers[name], instance)

    return release


@seed(role="worker", patches="daemons.common.ledger:Ledger.put")
@caught_by(OUT_OF_MEMORY, "Two hives spawn in the same instant on one device, a model that is understated:3b")
def books_then_looks(original):
    """A worker books in the ledger first and looks then whether it fits: a device is promised twice for a moment."""
    promised_twice_s = 0.1  # until it has judged; a shorter moment nobody could see each time

    def put(self, wanted):
        short = []

        def book(holders):
            try:
                return with_holder(holders, wanted, self.memory_bytes)
            except DeviceFullError as full:
                short.append(full)
                return [*(each for each in holders if each.instance != wanted.instance), wanted]

        self._change(book)
        if short:
            time.sleep(promised_twice_s)
            raise short[0]

    return put


@seed(role="hive", patches="daemons.hive.runtime:HiveRuntime.lease")
@caught_by(OUT_OF_MEMORY, "A killed worker gives its memory back")
def devices_of_first_lease(original):
    """A hive's leases have its devices as they were at the first of them; its own list is right."""
    first = []

    def lease(self):
        lease = original(self)
        first[:] = first or lease.devices
        return lease.model_copy(update={"devices": first})

    return lease


@seed(role="worker", patches="daemons.worker.inference:Inference._tokens")
@caught_by(OUT_OF_MEMORY, "The device's memory runs out in the middle of an inference")
def full_device_ends_stream_well(original):
    """A stream that the device has no room for ends as if the model were done. Real: litellm #36768."""
    from daemons.common.errors import ApiError, ErrorCode

    async def _tokens(self, call, engine, prompt):
        try:
            async for token in original(self, call, engine, prompt):
                yield token
        except ApiError as error:
            if error.code is not ErrorCode.OUT_OF_MEMORY:
                raise

    return _tokens


@seed(role="worker", patches="daemons.common.daemon:Daemon.fail")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def full_device_is_internal_error(original):
    """A worker that its device refuses ends with the status of an internal error. Found by reading."""
    from daemons.common.exits import ExitStatus, FatalError

    def fail(self, error):
        original(self, FatalError(ExitStatus.INTERNAL, error.message))

    return fail


@seed(role="hive", patches="daemons.hive.memory.groups:MemoryGroup.remove")
@caught_by(OUT_OF_MEMORY, "The limit of a worker is lowered in the middle of an inference")
def group_left_behind(original):
    """The control group of a worker that has ended is never removed: it costs the kernel memory, and is not seen."""
    return lambda self: True


@seed(role="hive", patches="daemons.hive.memory.allocator:read_needs")
@caught_by(OUT_OF_MEMORY, "Running out of memory again and again costs the hive nothing")
def keeps_model_bytes(original):
    """A hive keeps the bytes of each model file whose header it has read for a start."""
    kept = []

    def read_needs(path):
        kept.append(path.read_bytes())
        return original(path)

    return read_needs


@seed(role="hive", patches="daemons.hive.memory.allocator:Allocator.judge")
@caught_by(OUT_OF_MEMORY, "A worker that is killed by somebody is not called out of memory")
def kill_counts_as_out_of_memory(original):
    """The metric counts every end by SIGKILL as out of memory, by the rule of thumb that 137 means that."""
    from daemons.hive.memory.insufficient_memory import By

    def judge(
        self,
        allocation,
        worker_id,
        ending,
        *,
        pid,
        saw_bytes,
        log_lines,
    ):
        found = original(self, allocation, worker_id, ending, pid=pid, saw_bytes=saw_bytes, log_lines=log_lines)
        if found is None and ending.signal == signal.SIGKILL:
            self._outcomes.labels(By.CGROUP).inc()
        return found

    return judge


@seed(role="hive", patches="daemons.hive.memory.allocator:Allocation.present_limit")
@caught_by(OUT_OF_MEMORY, "The limit of a worker is lowered in the middle of an inference")
def limit_as_given(original):
    """A worker killed for its limit is said to have had that of its start, not the one in force. Found by reading."""
    return property(lambda self: self.limit_bytes)


@seed(role="hive", patches="daemons.hive.memory.devices:Devices._entry")
@caught_by(OUT_OF_MEMORY, "Running out of memory again and again costs the hive nothing")
def lists_former_holders(original):
    """A hive lists who once had something of a device, with what it had then. The ledger is right."""
    seen = {}

    def _entry(self, name):
        entry = original(self, name)
        seen.update({use.worker_id: use for use in entry.workers})
        return entry.model_copy(update={"workers": list(seen.values())})

    return _entry


@seed(role="worker", patches="daemons.worker.memory:DeviceMemory.load_up_to")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def loads_in_one_charge(original):
    """A worker asks for all of its weights' device memory at once, before it reads the first of them.

    No scenario that fits sees it; a device that two share is promised to the one that has not loaded yet.
    """

    def load_up_to(self, part, needs):
        if part and not self._released and not self.held_bytes:
            self._hold(needs.device_bytes)

    return load_up_to


@seed(role="hive", patches="daemons.hive.memory.devices:order")
@caught_by(OUT_OF_MEMORY, "Each worker goes to the device that is least loaded")
def most_free_bytes_first(original):
    """A worker goes to the device with the most bytes free, not to the one that is least loaded."""

    def order(loads, needed_bytes):
        fitting = [load for load in loads if load.free_bytes >= needed_bytes]
        return [load.name for load in sorted(fitting, key=lambda load: (-load.free_bytes, load.name))]

    return order


@seed(role="worker", patches="daemons.worker.memory:DeviceMemory.load_up_to")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def needs_the_last_step(original):
    """A worker that its device refuses says that it needs what its last step came to. Found by reading."""
    from daemons.worker.memory import CHARGE_STEP_BYTES

    def load_up_to(self, part, needs):
        try:
            original(self, part, needs)
        except DeviceFullError as full:
            raise DeviceFullError(self.held_bytes + CHARGE_STEP_BYTES, full.available_bytes) from None

    return load_up_to


@seed(role="hive", patches="daemons.hive.workers.restart:_permanent")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def out_of_memory_is_a_crash(original):
    """A worker that ran out of memory is started again and again, like one that crashed. Real: gpustack #4218."""
    return lambda ending: original(replace(ending, out_of_memory=False))


@seed(role="hive", patches="daemons.hive.workers.pool:WorkerPool.spawn")
@caught_by(OUT_OF_MEMORY, "A model that declares more than its worker's limit is refused")
def refused_row_stays(original):
    """A worker that is refused for want of memory is in the list all the same, as failed. Found by reading."""
    from daemons.hive.memory.insufficient_memory import InsufficientMemoryError
    from daemons.hive.worker_spec import WorkerSpec
    from daemons.hive.workers.supervisor import Supervisor

    async def spawn(self, worker_id, asked):
        try:
            supervisor = await original(self, worker_id, asked)
        except InsufficientMemoryError:
            rules = self.defaults
            limit = rules.memory_limit_bytes
            spec = WorkerSpec(worker_id, asked.model, rules.slots, rules.restart, rules.token_interval_ms, limit)
            self._admit(Supervisor(spec, self._context))
            raise
        return supervisor

    return spawn


@seed(role="hive", patches="daemons.hive.memory.devices:Devices._reserve")
@caught_by(OUT_OF_MEMORY, "Another program fills the device")
def remembers_full_device(original):
    """What once did not fit is refused from then on, also when the device has room again."""
    from daemons.hive.memory.insufficient_memory import InsufficientMemoryError

    refused = []

    def _reserve(self, wanted):
        for short in refused:
            if wanted.reserved_bytes >= short.shortage.needed_bytes:
                raise short
        try:
            return str(original(self, wanted))
        except InsufficientMemoryError as short:
            refused.append(short)
            raise

    return _reserve


@seed(role="hive", patches="daemons.hive.memory.devices:Devices._reserve")
@caught_by(OUT_OF_MEMORY, "Two hives spawn in the same instant on one device, a model that is honest:3b")
def reserves_without_looking(original):
    """A hive reserves on the first device whatever others have of it: the sum exceeds the device."""

    def _reserve(self, wanted):
        name = min(self._ledgers)
        self._ledgers[name]._change(lambda holders: [*holders, wanted])
        return name

    return _reserve


@seed(role="queen", patches="daemons.queen.cluster:Cluster.short_of_memory")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def short_of_whole_device(original):
    """The error for a model that ran out of memory has the size of the device in place of what was free."""

    def short_of_memory(self, model):
        found = original(self, model)
        sizes = [device.memory_bytes for hive in self.registry.hives() for device in hive.lease.devices]
        return found.model_copy(update={"available_bytes": max(sizes)}) if found is not None and sizes else found

    return short_of_memory


@seed(role="worker", patches="daemons.worker.engine:PacedEngine.generate")
@caught_by(OUT_OF_MEMORY, "The device's memory runs out in the middle of an inference")
def stops_after_128_tokens(original):
    """No answer is longer than 128 tokens, whatever was asked for: a default that wins over the request."""
    return lambda self, prompt, max_tokens, seed: original(self, prompt, min(max_tokens, 128), seed)


@seed(role="hive", patches="daemons.hive.workers.supervisor:Supervisor._pause")
@caught_by(OUT_OF_MEMORY, "A model needs more of the host than it declares, held by the hive's watchdog")
def tells_out_of_memory_late(original):
    """A hive tells the queen of a worker that ran out of memory a second and a half later."""
    from daemons.hive.states import Reason
    from daemons.hive.workers.restart import Rest

    async def _pause(self, step):
        if isinstance(step, Rest) and step.reason is Reason.OUT_OF_MEMORY:
            await asyncio.sleep(1.5)
        return bool(await original(self, step))

    return _pause


@seed(role="hive", patches="daemons.hive.workers.supervisor:Supervisor._pause")
@caught_by(OUT_OF_MEMORY, "The device's memory runs out in the middle of an inference")
def tries_full_device_again(original):
    """A worker that ran out of memory is started again, a second later. Real: gpustack #4218."""
    from daemons.hive.states import Reason
    from daemons.hive.workers.restart import Rest

    async def _pause(self, step):
        if isinstance(step, Rest) and step.reason is Reason.OUT_OF_MEMORY:
            asyncio.get_running_loop().call_later(1.2, self.ask_restart)
        return bool(await original(self, step))

    return _pause


@seed(role="worker", patches="daemons.worker.memory:DeviceMemory.load_up_to")
@caught_by(OUT_OF_MEMORY, "A model that needs more of the device than it declares, while it loads")
def waits_for_full_device(original):
    """A worker that its device refuses waits whether it is freed, and keeps what it has: two wait for each other."""

    def load_up_to(self, part, needs):
        try:
            original(self, part, needs)
        except DeviceFullError:
            threading.Event().wait(1.5)  # this is the load's own thread
            original(self, part, needs)

    return load_up_to
