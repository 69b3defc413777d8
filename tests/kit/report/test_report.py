"""The report, from the journal alone: of a whole run, and of one that was killed in the middle."""

from __future__ import annotations

import pytest

from beehave.journal import Journal
from beehave.report.report import read_run, summary_lines, write_report


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.ndjson")
    journal.record("run_started", sandbox="namespaces")
    scenario = {"scenario": "It <b>holds</b>", "feature": "F", "location": "f.feature:3", "tags": ["cluster"]}
    journal.record("scenario_started", **scenario)
    journal.record("step", keyword="Given", sentence="a hive", status="passed", ms=1.0, error=None)
    journal.observe("answer", status=200)
    journal.record("scenario_ended", scenario="It <b>holds</b>", status="passed", duration_ms=12.0)
    journal.record("scenario_started", **(scenario | {"scenario": "It breaks"}))
    journal.record("step", keyword="Then", sentence="it holds", status="failed", ms=2.0, error="expected 1, got 2")
    yield journal
    journal.close()


def test_a_whole_run(journal):
    journal.record("run_started", seed=7)
    journal.figure("cut to suspect", 0.9, bound_s=1.5, why="a lease")
    journal.record("scenario_ended", scenario="It breaks", status="failed", duration_ms=20.0)
    journal.record("scenario_started", scenario="It needs nft", feature="G", location="g.feature:3", tags=[])
    journal.record("scenario_ended", scenario="It needs nft", status="skipped", duration_ms=0, reason="no nft here")
    journal.record("run_ended", verdict="failed", problems=["a feature left a process"], reason="SIGTERM")
    run = read_run(journal.path)
    assert run.verdict == "failed"
    assert run.statuses == {"passed": 1, "failed": 1, "skipped": 1}
    assert list(run.features) == ["F", "G"]
    assert run.scenarios[0].observations == 1
    assert summary_lines(journal.path) == [
        "beehave: failed: 1 failed, 1 passed, 1 skipped",
        "  skipped: It needs nft: no nft here",
        "  failed: f.feature:3  It breaks",
        "  a feature left a process",
        "  SIGTERM",
        "  F:",
        "    cut to suspect: 900 ms, bound 1500 ms: a lease",
        "  seed: 7 (the same random choices again: -D seed=7)",
    ]
    html = write_report(journal.path).read_text(encoding="utf-8")
    assert "It &lt;b&gt;holds&lt;/b&gt;" in html
    assert "expected 1, got 2" in html
    assert "no nft here" in html
    assert "900 ms, bound 1500 ms: a lease" in html
    assert "a feature left a process" in html


def test_a_run_that_was_killed_has_a_report_up_to_there(journal):
    run = read_run(journal.path)
    assert run.verdict == "killed"
    assert [scenario.status for scenario in run.scenarios] == ["passed", "unfinished"]
    html = write_report(journal.path).read_text(encoding="utf-8")
    assert "the run was killed" in html


def test_an_empty_journal_is_a_killed_run(tmp_path):
    path = tmp_path / "journal.ndjson"
    path.write_text("", encoding="utf-8")
    assert read_run(path).verdict == "killed"
    assert "killed" in write_report(path).read_text(encoding="utf-8")
