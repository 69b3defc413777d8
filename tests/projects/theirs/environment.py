from beehave import hooks

before_all, before_scenario, after_step = hooks()
