"""behave's hooks, all of them in harness/hooks.py."""

from harness.hooks import after_step, before_all, before_scenario
