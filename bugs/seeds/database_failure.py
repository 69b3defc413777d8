"""Seeds that the scenarios of features/integration/database_failure.feature must notice."""

import hashlib
import sqlite3
from dataclasses import replace

from bugs.seed import caught_by, seed

DATABASE_FAILURE = "features/integration/database_failure.feature"


@seed(role="queen", patches="daemons.queen.store:RegistryStore.waiting")
@caught_by(DATABASE_FAILURE, "The queen's database is locked")
def counts_waiting_as_one(original):
    """A queen whose database is away says that one write waits, however many do."""
    return property(lambda self: min(1, len(self._queue)))


@seed(role="hive", patches="daemons.hive.recovery.repair:judge_error")
@caught_by(DATABASE_FAILURE, "The header of a hive's catalog is destroyed")
def damage_in_own_words(original):
    """A damaged catalog is logged with a sentence of the hive's own in place of what SQLite says."""

    def judge_error(error, *, exists):
        damage = original(error, exists=exists)
        return replace(damage, message="the catalog cannot be read") if damage is not None else None

    return judge_error


@seed(role="hive", patches="daemons.hive.recovery.repair:DatabaseRepair.degraded")
@caught_by(DATABASE_FAILURE, "The catalog is damaged and its folder cannot be written to")
def healthy_in_memory(original):
    """A hive whose catalog lives in memory only, since the disk refuses, does not say so in its health."""
    return lambda self: (reason for reason in original(self) if "in memory" not in reason)


@seed(role="hive", patches="daemons.hive.recovery.quarantine:_copy")
@caught_by(DATABASE_FAILURE, "The header of a hive's catalog is destroyed")
def keeps_first_page(original):
    """Of a broken catalog only the first page is kept aside: a copy that takes one read for the whole file."""

    def _copy(source, target):
        with source.open("rb") as reader:
            page = reader.read(4096)
        target.write_bytes(page)
        return hashlib.sha256(page).hexdigest()

    return _copy


@seed(role="hive", patches="daemons.common.database:Database._look")
@caught_by(DATABASE_FAILURE, "The header of a hive's catalog is destroyed")
def looks_through_the_cache(original):
    """Whether the catalog is whole is asked on the open connection, whose cache answers. Found by reading."""
    return lambda self, read: read(self._connection) if self._connection is not None else original(self, read)


@seed(role="queen", patches="daemons.queen.store:RegistryStore._reopen")
@caught_by(DATABASE_FAILURE, "The queen's database is read-only")
def never_opens_again(original):
    """A queen whose database could not be opened at its start never tries again. Real: litellm #38121."""

    async def _reopen(self):
        if not self._read:
            raise sqlite3.OperationalError("unable to open database file")
        await original(self)

    return _reopen


@seed(role="hive", patches="daemons.hive.models.download:_try")
@caught_by(DATABASE_FAILURE, "A hive is killed in the middle of a download")
def part_is_taken_for_model(original):
    """What an earlier hive has left of a download is taken for the model. Real: huggingface_hub #1396."""
    from daemons.hive.models.partfile import PartFile

    async def _try(hub, model, path, durations, progress):
        async with PartFile(path, sha256=model.sha256, size=model.size_bytes) as part:
            left_behind = progress.tries == 1 and part.length > 0
            if left_behind:
                await part.finish()
        if not left_behind:
            await original(hub, model, path, durations, progress)

    return _try


@seed(role="hive", patches="daemons.hive.workers.row_writer:RowWriter.rewrite")
@caught_by(DATABASE_FAILURE, "A catalog is damaged while workers serve")
def rebuild_forgets_workers(original):
    """A rebuilt catalog of a running hive has no worker until one of them changes. Found by reading."""
    return lambda self: None


@seed(role="hive", patches="daemons.hive.recovery.repair:settle")
@caught_by(DATABASE_FAILURE, "The root page of its table of a hive's catalog is destroyed")
def rebuilds_from_rows_only(original):
    """A rebuilt catalog has the rows that could be salvaged, and forgets what only memory and the folder know."""
    return lambda salvaged, remembered, files: original(salvaged, salvaged, files)


@seed(role="hive", patches="daemons.hive.models.pulls:Pulls._pull")
@caught_by(DATABASE_FAILURE, "A hive is killed in the middle of its writes")
def row_before_file(original):
    """A model's row is written when its download begins, not when its file is whole. Real: huggingface_hub #1396."""

    async def _pull(self, hub, pull):
        await self._catalog.add(pull.model)
        return await original(self, hub, pull)

    return _pull


@seed(role="hive", patches="daemons.hive.recovery.repair:DatabaseRepair._salvage")
@caught_by(DATABASE_FAILURE, "The middle page of its table of a hive's catalog is destroyed")
def salvages_nothing(original):
    """Rows that a broken catalog still has are not read from it: all come from memory and the model folder.

    A running hive has the same models afterwards; a hive that starts has other times of creation.
    """
    from daemons.hive.recovery.salvage import Salvage

    async def _salvage(self):
        return Salvage()

    return _salvage


@seed(role="queen", patches="daemons.queen.store:RegistryStore._set_aside")
@caught_by(DATABASE_FAILURE, "The queen starts over a database whose header is destroyed")
def throws_broken_database_away(original):
    """A queen whose database SQLite refuses removes it and begins a new one: what could be salvaged is lost."""

    def _set_aside(self):
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._incomplete = True

    return _set_aside


@seed(role="queen", patches="daemons.queen.store:RegistryStore._check_file")
@caught_by(DATABASE_FAILURE, "The queen's database is deleted while it runs")
def writes_into_deleted_file(original):
    """A queen does not notice that its database was deleted: the open file takes every write. Found by reading."""
    return lambda self: None


@seed(role="queen", patches="daemons.queen.store:write_all")
@caught_by(DATABASE_FAILURE, "The queen's database is locked")
def writes_workers_by_name(original):
    """What waited for the database is written worker by worker, by name, and not in the order of the changes."""

    def _name(write):
        row = getattr(write, "row", None)
        return str(row.id if row is not None else getattr(write, "worker_id", ""))

    def write_all(connection, writes):
        original(connection, sorted(writes, key=_name))

    return write_all
