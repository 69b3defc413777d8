"""The suite's durations keep the ratios of those in production."""

from __future__ import annotations

from pathlib import Path

from beehave.settings import load_settings
from cluster.durations import Durations
from daemons.common.durations import Durations as ProductionDurations

PROJECT = Path(__file__).parents[2]

MACHINE_BOUND = {"connect_ms", "probe_timeout_ms", "start_up_ms", "start_up_loading_ms", "deadline_ms"}
"""Bounds of work and not of waiting: these are not scaled (the reason stands in beehave.toml)."""


def test_the_scaled_durations_keep_the_ratios_of_production():
    scaled = load_settings(PROJECT, {}, durations=Durations).durations.model_dump()
    production = ProductionDurations().model_dump()
    ratios = {name: production[name] / value for name, value in scaled.items() if name not in MACHINE_BOUND}
    assert set(ratios.values()) == {10.0}, ratios
    assert {name: scaled[name] for name in MACHINE_BOUND} == {name: production[name] for name in MACHINE_BOUND}
