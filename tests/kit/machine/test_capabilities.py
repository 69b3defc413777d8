"""What a machine can do: the reasons that are given, and the tags that ask for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beehave.errors import HarnessError
from beehave.machine import capabilities, probes


@pytest.fixture
def lacking(monkeypatch):
    """Make the probes of some capabilities say why not, and those of all others succeed."""

    def lack(**reasons):
        monkeypatch.setattr(capabilities, "_obstacle", reasons.get)

    return lack


def test_a_scenario_without_needs_lacks_nothing(lacking):
    lacking(kernel_network="nft is not installed")
    assert capabilities.missing({"cluster", "nightly"}) is None


def test_what_is_missing_is_named_with_its_reason(lacking):
    lacking(kernel_network="nft is not installed", pidfd="too old")
    assert capabilities.missing({"needs.kernel_network"}) == "needs kernel_network: nft is not installed"
    both = capabilities.missing({"needs.pidfd", "needs.kernel_network", "needs.uvloop"})
    assert both == "needs kernel_network: nft is not installed; needs pidfd: too old"
    assert capabilities.missing({"needs.uvloop"}) is None


def test_a_need_that_nobody_knows_is_an_error_with_a_hint():
    assert capabilities.unknown_needs({"needs.uvloop", "slow"}) == []
    [problem] = capabilities.unknown_needs({"needs.kernel_netwrok"})
    assert problem.endswith("Did you mean kernel_network?")
    [problem] = capabilities.unknown_needs({"needs.zzz"})
    assert "There are: user_namespaces," in problem
    with pytest.raises(HarnessError, match="names no capability"):
        capabilities.find("zzz")


def test_every_capability_says_how_to_enable_it():
    assert all(capability.how_to_enable and capability.what for capability in capabilities.ALL)


def test_a_package_that_is_not_there(monkeypatch):
    assert probes.module("json")() is None
    assert probes.module("no_such_package")() == "the Python package no_such_package is not installed"
    monkeypatch.setitem(sys.modules, "json", None)
    assert probes.module("json")() == "the Python package json is not installed"


@pytest.mark.parametrize(
    ("own", "mounts", "groups"),
    [
        (
            ["0::/user.slice/a"],
            ["30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"],
            [("/sys/fs/cgroup/user.slice/a", "memory.max")],
        ),
        (
            ["4:memory:/docker/x", "0::/"],
            [
                "29 22 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
                "30 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
                "31 22 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
            ],
            [("/sys/fs/cgroup/memory/docker/x", "memory.limit_in_bytes"), ("/sys/fs/cgroup/unified", "memory.max")],
        ),
        (["4:memory:/"], ["30 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"], []),
    ],
)
def test_where_memory_groups_are(own, mounts, groups):
    assert probes.memory_groups(own, mounts) == [(Path(path), limit) for path, limit in groups]


def test_doctor_tells_programs_everything():
    code = "import sys; from beehave.machine.capabilities import doctor; sys.exit(doctor(as_json=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert list(findings) == [capability.name for capability in capabilities.ALL]
    assert all(finding["available"] or finding["reason"] for finding in findings.values())


def test_doctor_tells_people_what_is_missing_and_what_to_do(monkeypatch, capsys):
    finding = capabilities.Finding("pidfd", "what for", available=False, reason="too old", how_to_enable="a new kernel")
    monkeypatch.setattr(capabilities, "survey", lambda: [finding])
    assert capabilities.doctor(as_json=False) == 0
    shown = capsys.readouterr().out
    assert "no: too old" in shown
    assert "pidfd: a new kernel" in shown
