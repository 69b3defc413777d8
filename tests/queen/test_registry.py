"""The registry: whose word counts, what changes when, and what routing may use."""

from __future__ import annotations

import pytest

from daemons.common.wire import HiveState
from daemons.queen.cluster import Cluster
from daemons.queen.entries import LeaseVerdict
from daemons.queen.leases import LeaseRules
from daemons.queen.routing import Candidate, Refusal

RULES = LeaseRules(heartbeat_s=5, lease_s=15, probe_strikes=3, orphan_grace_s=30)


@pytest.fixture
def cluster(clock):
    return Cluster(RULES, mark_down_s=2, clock=clock)


@pytest.fixture
def registry(cluster):
    return cluster.registry


def kinds(changes):
    return [change.kind.value for change in changes]


def routable(cluster, model="tiny:1b"):
    return sorted(each.worker_id for each in cluster.candidates(model) if each.blocked is None)


def test_the_first_lease_registers_a_hive_and_its_workers(registry, cluster, say):
    heard = registry.lease("h1", say.lease(say.row("w1"), say.row("w2", state="loading")))
    assert heard.verdict is LeaseVerdict.ACCEPTED
    assert kinds(heard.changes) == [
        "hive.registered",
        "hive.available",
        "worker.registered",
        "worker.ready",
        "worker.registered",
    ]
    assert routable(cluster) == ["w1"]


def test_a_repeated_picture_is_no_news(registry, say):
    registry.lease("h1", say.lease(say.row()))
    assert registry.lease("h1", say.lease(say.row(), sequence=2)).changes == []


@pytest.mark.parametrize("sequence", [4, 5])
def test_an_older_or_repeated_sequence_has_no_effect(registry, cluster, clock, say, sequence):
    registry.lease("h1", say.lease(say.row(state="draining"), sequence=5))
    clock.wait(1)
    heard = registry.lease("h1", say.lease(say.row(state="ready"), sequence=sequence))
    assert (heard.verdict, heard.changes) == (LeaseVerdict.OLD, [])
    assert routable(cluster) == []
    assert registry.hive("h1").silent_s(clock()) == 1


def test_a_new_instance_takes_over_and_the_old_one_is_refused(registry, say):
    registry.lease("h1", say.lease(say.row(), sequence=90))
    taken = registry.lease("h1", say.lease(say.row(), instance="hive-i2", sequence=1))
    assert kinds(taken.changes) == ["hive.registered"]
    assert taken.changes[0].fields["previous_instance"] == "hive-i1"
    late = registry.lease("h1", say.lease(instance="hive-i1", sequence=91))
    assert late.verdict is LeaseVerdict.GONE
    assert registry.worker("w1") is not None


def test_silence_makes_suspect_then_unavailable_then_stale_each_told_once(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row()))
    told = []
    for _ in range(100):
        clock.wait(0.5)
        told += [(round(clock.now - 1000, 1), kind) for kind in kinds(registry.tick())]
    assert told == [(10.0, "hive.suspect"), (15.0, "hive.unavailable"), (45.0, "worker.removed")]
    assert registry.hive("h1") is not None


def test_a_suspect_hive_is_not_routed_to_and_is_back_with_its_next_lease(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row()))
    clock.wait(10)
    assert routable(cluster) == []  # before anybody ticked
    registry.tick()
    heard = registry.lease("h1", say.lease(say.row(), sequence=2))
    assert kinds(heard.changes) == ["hive.available"]
    assert routable(cluster) == ["w1"]


def test_a_hive_that_comes_back_after_its_rows_went_stale_brings_them_again(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row()))
    clock.wait(50)
    registry.tick()
    heard = registry.lease("h1", say.lease(say.row(), sequence=2))
    assert kinds(heard.changes) == ["hive.available", "worker.registered", "worker.ready"]
    assert routable(cluster) == ["w1"]


def test_a_lease_that_a_pulled_picture_overtook_is_still_a_heartbeat(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row(), sequence=5))
    clock.wait(11)
    registry.pulled("h1", say.lease(say.row(state="draining"), sequence=7))
    heard = registry.lease("h1", say.lease(say.row(), sequence=6))
    assert heard.verdict is LeaseVerdict.OLD, "its picture is the older one"
    assert registry.hive("h1").silent_s(clock()) == 0, "and it came now"
    assert registry.state_of(registry.hive("h1"))[0] is HiveState.AVAILABLE
    assert routable(cluster) == []
    clock.wait(1)
    registry.lease("h1", say.lease(say.row(), sequence=6))
    assert registry.hive("h1").silent_s(clock()) == 1, "once"


def test_strikes_make_unavailable_and_a_good_probe_brings_it_back(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row()))
    assert kinds(registry.probe_failed("h1", "hive-i1")) == []
    assert kinds(registry.probe_failed("h1", "hive-i1")) == []
    assert kinds(registry.probe_failed("h1", "hive-i1")) == ["hive.unavailable"]
    assert routable(cluster) == []
    assert kinds(registry.pulled("h1", say.lease(say.row())).changes) == ["hive.available"]


def test_strikes_against_the_instance_before_do_not_count(registry, say):
    registry.lease("h1", say.lease())
    registry.lease("h1", say.lease(instance="hive-i2"))
    for _ in range(3):
        assert registry.probe_failed("h1", "hive-i1") == []
    registry.reached("h1", "hive-i1")
    assert registry.hive("h1").strikes == 0


def test_strikes_of_a_silence_end_with_it(registry, clock, say):
    registry.lease("h1", say.lease())
    clock.wait(20)
    for _ in range(5):
        registry.probe_failed("h1", "hive-i1")
    heard = registry.lease("h1", say.lease(sequence=2))
    assert kinds(heard.changes) == ["hive.available"]
    assert registry.hive("h1").strikes == 0


def test_a_hive_that_leases_on_time_keeps_its_strikes(registry, clock, say):
    registry.lease("h1", say.lease())
    for sequence in range(2, 5):
        registry.probe_failed("h1", "hive-i1")
        clock.wait(5)
        registry.lease("h1", say.lease(sequence=sequence))
    assert registry.hive("h1").strikes == 3
    assert registry.state_of(registry.hive("h1"))[0] is HiveState.UNAVAILABLE


def test_a_pulled_picture_counts_but_does_not_keep_a_silent_hive_alive(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row()))
    clock.wait(14)
    pulled = registry.pulled("h1", say.lease(say.row(), say.row("w2"), sequence=2))
    assert kinds(pulled.changes) == ["hive.suspect", "worker.registered", "worker.ready"]
    clock.wait(1)
    assert kinds(registry.tick()) == ["hive.unavailable"]


def test_a_pulled_picture_brings_no_rows_of_a_hive_whose_lease_has_expired(registry, clock, say):
    registry.lease("h1", say.lease(say.row()))
    clock.wait(60)
    assert kinds(registry.tick()) == ["hive.unavailable", "worker.removed"]
    pulled = registry.pulled("h1", say.lease(say.row(), sequence=2))
    assert (pulled.verdict, pulled.changes) == (LeaseVerdict.OLD, [])
    assert registry.workers() == []
    assert kinds(registry.lease("h1", say.lease(say.row(), sequence=3)).changes)[0] == "hive.available"


def test_a_pulled_answer_of_another_instance_changes_nothing(registry, say):
    registry.lease("h1", say.lease(say.row()))
    registry.probe_failed("h1", "hive-i1")
    assert registry.pulled("h1", say.lease(instance="hive-i9", sequence=50)).verdict is LeaseVerdict.OLD
    assert registry.hive("h1").instance == "hive-i1"
    assert registry.hive("h1").strikes == 1


def test_a_restored_hive_is_not_declared_dead_for_one_lease_and_not_routed_to(registry, cluster, clock, say):
    registry.restore("h1", say.lease(say.row(), sequence=500))
    for _ in range(5):
        registry.probe_failed("h1", "hive-i1")
    clock.wait(14.9)
    assert registry.tick() == []
    assert registry.state_of(registry.hive("h1"))[0] is HiveState.SUSPECT
    assert routable(cluster) == []
    clock.wait(0.1)
    assert kinds(registry.tick()) == ["hive.unavailable"]


def test_a_restored_hive_that_answers_is_available_with_the_same_workers(registry, cluster, say):
    registry.restore("h1", say.lease(say.row(), sequence=500))
    heard = registry.pulled("h1", say.lease(say.row(), sequence=500))
    assert kinds(heard.changes) == ["hive.available"]
    assert routable(cluster) == ["w1"]


def test_a_stranger_on_the_port_of_a_restored_hive_is_not_taken_for_it(registry, cluster, say):
    registry.restore("h1", say.lease(say.row(), sequence=500))
    heard = registry.pulled("h1", say.lease(say.row("x"), instance="stranger"))
    assert (heard.verdict, heard.changes) == (LeaseVerdict.OLD, [])
    assert registry.hive("h1").instance == "hive-i1"
    assert routable(cluster) == []


def test_removing_a_hive_takes_its_workers_and_refuses_its_instance(registry, cluster, say):
    registry.lease("h1", say.lease(say.row("w1"), say.row("w2")))
    assert kinds(registry.remove_hive("h1")) == ["worker.removed", "worker.removed", "hive.removed"]
    assert routable(cluster) == []
    assert registry.remove_hive("h1") is None
    assert registry.lease("h1", say.lease(say.row("w1"), sequence=2)).verdict is LeaseVerdict.GONE
    assert registry.lease("h1", say.lease(say.row("w1"), instance="hive-i2")).verdict is LeaseVerdict.ACCEPTED
    assert routable(cluster) == ["w1"]


def test_a_worker_that_the_picture_leaves_out_is_gone_with_its_hives_word_on_how(registry, say):
    registry.lease("h1", say.lease(say.row(pid=11)))
    ended = say.gone(exit_status=None, signal=9, reason="killed", forced=True)
    heard = registry.lease("h1", say.lease(sequence=2, departed=[ended]))
    assert kinds(heard.changes) == ["worker.removed"]
    fields = heard.changes[0].fields
    assert (fields["signal"], fields["reason"], fields["forced"], fields["pid"]) == (9, "killed", True, 11)


def test_the_departure_of_another_instance_is_not_this_workers(registry, say):
    registry.lease("h1", say.lease(say.row(instance="i2")))
    heard = registry.lease("h1", say.lease(sequence=2, departed=[say.gone(instance="i1", signal=9)]))
    assert heard.changes[0].fields["signal"] is None


def test_a_restarted_worker_keeps_its_id_and_is_told_as_restarted(registry, cluster, say):
    registry.lease("h1", say.lease(say.row(instance="i1", pid=11)))
    waiting = say.row(instance="i1", pid=None, state="starting", reason="backing_off")
    assert registry.lease("h1", say.lease(waiting, sequence=2)).changes == []
    assert routable(cluster) == []
    ended = say.gone(signal=9)
    again = say.row(instance="i2", pid=None, state="starting")
    heard = registry.lease("h1", say.lease(again, sequence=3, departed=[ended]))
    assert kinds(heard.changes) == ["worker.restarted"]
    assert routable(cluster) == []
    fields = heard.changes[0].fields
    assert (fields["previous_instance"], fields["previous_pid"], fields["signal"]) == ("i1", 11, 9)
    back = registry.lease("h1", say.lease(say.row(instance="i2", pid=12), sequence=4, departed=[ended]))
    assert kinds(back.changes) == ["worker.ready"]
    assert routable(cluster) == ["w1"]


def test_a_worker_id_belongs_to_one_live_hive(registry, cluster, say):
    registry.lease("h1", say.lease(say.row("w1")))
    second = registry.lease("h2", say.lease(say.row("w1", instance="i9"), instance="hive-2"))
    assert second.conflicts == ["w1"]
    assert registry.worker("w1").hive_id == "h1"
    again = registry.lease("h2", say.lease(say.row("w1", instance="i9"), instance="hive-2", sequence=2))
    assert again.conflicts == []  # told once
    registry.remove_hive("h1")
    registry.lease("h2", say.lease(say.row("w1", instance="i9"), instance="hive-2", sequence=3))
    assert registry.worker("w1").hive_id == "h2"


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_a_dead_row_does_not_hold_its_id_against_another_hive(registry, say, state):
    registry.lease("h1", say.lease(say.row("w1", state=state)))
    heard = registry.lease("h2", say.lease(say.row("w1"), instance="hive-2"))
    assert "worker.removed" in kinds(heard.changes)
    assert registry.worker("w1").hive_id == "h2"


def test_the_row_of_a_spawn_is_there_at_once_and_survives_a_lease_that_was_on_its_way(registry, cluster, clock, say):
    registry.lease("h1", say.lease())
    assert kinds(registry.spawned("h1", say.row("w1", state="starting"))) == ["worker.registered"]
    assert registry.lease("h1", say.lease(sequence=2)).changes == []
    assert registry.worker("w1") is not None
    assert routable(cluster) == []
    clock.wait(5)
    assert kinds(registry.lease("h1", say.lease(sequence=3)).changes) == ["worker.removed"]


def test_a_spawned_worker_that_already_ended_is_not_held(registry, say):
    registry.lease("h1", say.lease())
    registry.spawned("h1", say.row("w1", state="starting"))
    heard = registry.lease("h1", say.lease(sequence=2, departed=[say.gone("w1")]))
    assert kinds(heard.changes) == ["worker.removed"]


def test_an_answer_about_a_worker_that_a_lease_already_named_adds_nothing(registry, cluster, say):
    registry.lease("h1", say.lease(say.row("w1")))
    assert registry.spawned("h1", say.row("w1", state="starting")) == []
    assert routable(cluster) == ["w1"]


def test_a_stop_counts_at_once_for_that_instance_only(registry, cluster, say):
    registry.lease("h1", say.lease(say.row("w1", instance="i2")))
    assert registry.answered("h1", say.row("w1", instance="i1", state="draining")) == []
    assert registry.forget_worker("w1", "i1", "stopped") == []
    assert routable(cluster) == ["w1"]
    assert kinds(registry.answered("h1", say.row("w1", instance="i2", state="draining"))) == ["worker.draining"]
    assert routable(cluster) == []
    assert kinds(registry.forget_worker("w1", "i2", "stopped")) == ["worker.removed"]


def test_a_draining_hive_is_told_once_and_not_routed_to(registry, cluster, say):
    registry.lease("h1", say.lease(say.row()))
    assert kinds(registry.lease("h1", say.lease(say.row(), sequence=2, state="draining")).changes) == ["hive.draining"]
    assert registry.lease("h1", say.lease(say.row(), sequence=3, state="draining")).changes == []
    assert routable(cluster) == []


BLOCKED = [
    ({"state": "starting"}, "worker_not_ready"),
    ({"state": "loading"}, "worker_not_ready"),
    ({"state": "draining"}, "worker_draining"),
    ({"state": "stopped"}, "worker_draining"),
    ({"state": "failed"}, "worker_failed"),
    ({"healthy": False}, "worker_unhealthy"),
]


@pytest.mark.parametrize(("fields", "reason"), BLOCKED)
def test_why_a_worker_is_not_routable(registry, cluster, say, fields, reason):
    registry.lease("h1", say.lease(say.row(**fields)))
    view = cluster.worker_view(registry.worker("w1"))
    assert (view.routable, view.blocked) == (False, reason)
    refusal = cluster.choose("tiny:1b")
    assert isinstance(refusal, Refusal)
    assert refusal.blocked == {reason: 1}


def test_mark_downs_end_by_time_by_success_and_with_a_new_instance(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row("w1"), say.row("w2")))
    assert cluster.worker_refused("w1", "i1")
    assert routable(cluster) == ["w2"]
    clock.wait(2)
    assert routable(cluster) == ["w1", "w2"]
    cluster.hive_refused("h1", "hive-i1")
    assert routable(cluster) == []
    w2 = next(each for each in cluster.candidates("tiny:1b") if each.worker_id == "w2")
    cluster.served(w2, "hive-i1")
    assert routable(cluster) == ["w1", "w2"]
    cluster.hive_refused("h1", "hive-i1")
    registry.lease("h1", say.lease(say.row("w1"), say.row("w2"), instance="hive-i2"))
    assert routable(cluster) == ["w1", "w2"]


def test_a_model_is_known_by_a_row_or_by_a_catalog(registry, cluster, say):
    registry.lease("h1", say.lease(say.row(model="a"), models=["b"]))
    assert [registry.knows_model(name) for name in "abc"] == [True, True, False]
    assert isinstance(cluster.choose("a"), Candidate)
    assert cluster.choose("b").kind.value == "none_routable"
    assert cluster.choose("c").kind.value == "unknown_model"


def test_views_say_what_the_hive_said_and_what_the_queen_counts(registry, cluster, clock, say):
    registry.lease("h1", say.lease(say.row(served_total=3), say.row("w2", served_total=4), models=["b", "a"]))
    cluster.ledger.take("w1", "i1", "h1")
    clock.wait(1.5)
    hive = cluster.hive_view(registry.hive("h1"))
    assert (hive.state, hive.last_lease_ms_ago, hive.workers, hive.served_total) == ("available", 1500, 2, 7)
    assert hive.models == ["a", "b"]
    worker = cluster.worker_view(registry.worker("w1"))
    assert (worker.hive_id, worker.routable, worker.slots_used) == ("h1", True, 1)


def test_spawns_on_their_way_count_as_workers_of_their_hive(registry, cluster, say):
    registry.lease("h1", say.lease(say.row("w1"), models=["m"]))
    registry.lease("h2", say.lease(instance="hive-2", state="draining"))
    sites = {site.hive_id: site for site in cluster.spawn_sites("m", pending=["h1"])}
    assert (sites["h1"].workers, sites["h1"].has_model, sites["h1"].usable) == (2, True, True)
    assert sites["h2"].usable is False


def test_retired_instances_are_bounded(registry, say):
    for number in range(100):
        registry.lease("h1", say.lease(instance=f"i{number}"))
    assert len(registry._retired["h1"]) == 64
    assert registry.lease("h1", say.lease(instance="i98", sequence=9)).verdict is LeaseVerdict.GONE
