"""behave's hooks: the kit's own, with this cluster as the world of each scenario."""

from beehave import hooks
from cluster.world import World

before_all, before_scenario, after_step = hooks(World)
