"""The hooks of the projects that have none of their own."""

from beehave import hooks

before_all, before_scenario, after_step = hooks()
