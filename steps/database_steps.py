"""Steps that break the daemons' databases and the disks under them, and look at what the daemons make of it."""

from behave import given, then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.churn.worker_changes import StartedInOrder
from cluster.database.cut_download import CutDownload, cut_by_kill, pull_again, pulled
from cluster.database.write_bursts import BurstReport, kill_in_bursts, torn_rows


@given("{count:d} models in its catalog")
def given_models(context, count):
    context.world.databases.fill(count)


@given("a hive that obeys file modes")
def given_a_hive_that_obeys_modes(context):
    context.world.databases.obey_modes()
    context.world.hives.start(1)


@given("a queen on its own disk")
def given_a_queen_on_a_disk(context):
    context.world.queen_database.prepare_small_disk()


@when("the {damage:Damage} of the catalog is destroyed")
def when_the_catalog_is_damaged(context, damage):
    context.world.databases.damage(damage)


@when("the {damage:Damage} of the catalog is destroyed and its folder is made read-only")
def when_the_catalog_is_damaged_on_a_read_only_disk(context, damage):
    context.world.databases.damage(damage)
    context.world.databases.make_read_only()


@when("the hive is stopped, the {damage:Damage} of the catalog is destroyed, and the hive is started again")
def when_the_catalog_of_a_stopped_hive_is_damaged(context, damage):
    context.world.databases.damage_while_stopped(damage)


@when("the folder can be written to again")
def when_the_folder_is_writable(context):
    context.world.databases.make_writable()


@when("the hive is asked for its models")
def when_the_hive_is_asked(context):
    context.world.databases.query()


@when("the hive is asked for its models while {count:Requests} are sent at once")
def when_the_hive_is_asked_while_serving(context, count):
    context.world.databases.query_while_serving(count)


@when('a worker is started from the new model "{model}" and asked something')
def when_a_new_model_serves(context, model):
    context.world.databases.serve_new_model(model)


@when("it is killed {kills:d} times in the middle of a burst of pulls and removals")
def when_killed_in_bursts(context, kills):
    report = kill_in_bursts(context.world.cluster, "hive-1", kills=kills, seed=context.world.seed)
    context.world.history.keep(report)


@when('it is killed in the middle of the download of "{model}", and started again')
def when_killed_in_a_download(context, model):
    cut = cut_by_kill(context.world.cluster, context.world.faults, "hive-1", model)
    context.world.history.keep(cut)


@when('"{model}" is pulled again')
def when_pulled_again(context, model):
    pull_again(context.world.cluster, "hive-1", model)


@when("the queen's database is {away:Away}")
def when_the_queens_database_is_away(context, away):
    context.world.queen_database.fail(away)


@when("the queen's database is deleted")
def when_the_queens_database_is_deleted(context):
    context.world.queen_database.delete()


@when("the queen is stopped, the {damage:Damage} of its database is destroyed, and it is started again")
def when_the_database_of_a_stopped_queen_is_damaged(context, damage):
    context.world.queen_database.damage_while_stopped(damage)


@when("{count:Workers} are started one after the other")
def when_workers_are_started(context, count):
    context.world.changes.start_in_order(count)


@when("the queen's database is there again")
def when_the_queens_database_is_back(context):
    context.world.queen_database.give_back()


@then("it is degraded, counts a damage of its catalog, and has logged it with SQLite's message and the request's id")
def then_the_damage_is_detected(context):
    seen = context.world.databases.detection()
    assert seen.health["status"] == "degraded", f"its health should be degraded: {seen.health}"
    assert any("catalog" in reason for reason in seen.health["reasons"]), f"no reason names the catalog: {seen.health}"
    assert seen.damages == 1, f"its counter of damages rose by {seen.damages}, not by 1"
    assert len(seen.entries) == 1, f"expected one line catalog_damaged, got {seen.entries}"
    entry = seen.entries[0]
    assert (entry["level"], entry["file"], entry["request_id"]) == ("error", "hive.sqlite3", seen.query), f"{entry}"
    assert entry["code"], f"the line has no code: {entry}"
    assert entry["error"], f"the line has no message: {entry}"
    assert any(message in entry["error"] for message in seen.objections), f"SQLite says {set(seen.objections)}: {entry}"


@then("the broken file is kept aside, byte by byte")
def then_the_broken_file_is_kept(context):
    kept = context.world.databases.kept()
    expected = {"hive.sqlite3.corrupt-1": context.world.databases.broken_sha256}
    assert kept == expected, f"expected {expected} beside the database, found {kept}"


@then("the catalog is rebuilt: the same models as before, and the log counts the rows that were salvaged")
def then_the_catalog_is_rebuilt(context):
    now, seen = context.world.databases.listed(), context.world.databases.rebuilding()
    differing = set(now) ^ set(context.world.databases.models_before)
    assert not differing, f"listed before or now, but not both: {sorted(differing)}"
    counts = [seen.entry[source] for source in ("salvaged", "rebuilt", "dropped")]
    assert sum(counts) == len(now), f"the counts do not add up to {len(now)} models: {seen.entry}"
    assert counts[2] == 0, f"models were dropped: {seen.entry}"
    assert counts[0] in seen.salvageable, f"it can have salvaged {seen.salvageable} rows: {seen.entry}"
    assert seen.in_time, f"detected after {seen.detected_s:.3f} s, rebuilt {seen.rebuilt_s:.3f} s later: too late"


@then("the file is whole again, and has every model and worker that the hive lists")
def then_the_file_is_whole(context):
    found = context.world.databases.wait_for_whole_file()
    assert found.integrity == ["ok"], f"SQLite's check says {found.integrity}"
    assert found.models, "the file lists no model"


@then("it says that its catalog is in memory only, and lists the same models as before")
def then_in_memory(context):
    health, on_disk, entries = context.world.databases.in_memory()
    listed = context.world.databases.listed()
    assert health["status"] == "degraded", f"its health should be degraded: {health}"
    assert any("in memory only" in reason for reason in health["reasons"]), f"no reason says so: {health['reasons']}"
    assert on_disk == 0, f"hive_catalog_on_disk is {on_disk}, not 0"
    assert len(entries) == 1, f"expected one line catalog_in_memory, got {entries}"
    before = context.world.databases.models_before
    assert listed == before, f"listed before: {before}\nnow: {listed}"


@then("each of the {kills:d} killings left whole rows only, and a file that SQLite finds in order")
def then_whole_rows(context, kills):
    report = context.world.history.kept(BurstReport, "killed a hive in the middle of its writes")
    broken, rows = torn_rows(context.world.databases.path)
    context.world.cluster.journal.observe("file after the bursts", rows=rows, broken=broken)
    assert len(report.rows) == kills, f"seed {report.seed}: {len(report.rows)} killings: {report}"
    assert not report.broken + broken, f"seed {report.seed}:\n" + "\n".join(report.broken + broken)


@then('the download of "{model}" has gone on where it was cut, and the file is the hub\'s, byte by byte')
def then_the_download_has_gone_on(context, model):
    cut = context.world.history.kept(CutDownload, "killed a hive in the middle of a download")
    found = pulled(context.world.cluster, "hive-1", model)
    assert found.on_disk == found.at_hub, f"the hive's file is {found.on_disk}, the hub's {found.at_hub}"
    assert found.listed == found.at_hub, f"the hive lists {found.listed}, the hub has {found.at_hub}"
    assert found.begins == [cut.kept_bytes], f"{cut.kept_bytes} bytes were there, it began at {found.begins}"


@then("the queen is degraded and says how many writes wait")
def then_the_queen_is_degraded(context):
    health = context.world.queen_database.wait_until_degraded()
    assert health["status"] == "degraded", f"its health should be degraded: {health}"
    assert any("database" in reason for reason in health["reasons"]), f"no reason names the database: {health}"
    started = len(context.world.history.kept(StartedInOrder, "started workers one after the other").ids)
    waiting = health["database"]["writes_waiting"]
    assert waiting >= started > 0, f"{started} workers have become ready since, and it counts {waiting} writes"


@then("the queen's file has what it lists, in the order in which it changed")
def then_stored_in_order(context):
    stored = context.world.queen_database.wait_until_stored()
    order = context.world.history.kept(StartedInOrder, "started workers one after the other").ids
    later = [worker_id for worker_id in stored.worker_ids if worker_id in order]
    assert stored.integrity == ["ok"], f"SQLite's check says {stored.integrity}"
    assert later == order, f"the workers became ready in the order {order}, they are stored as {later}"


@then("the broken file is kept beside the queen's, byte by byte")
def then_the_queens_broken_file_is_kept(context):
    kept, broken_sha256 = context.world.queen_database.kept()
    assert list(kept.values()) == [broken_sha256], f"expected one file of {broken_sha256}, found {kept}"


@then("the queen's file has what it lists")
def then_stored(context):
    stored = context.world.queen_database.wait_until_stored()
    assert stored.integrity == ["ok"], f"SQLite's check says {stored.integrity}"
    assert stored.hives == ["hive-1"], f"the hives in the file: {stored.hives}"
