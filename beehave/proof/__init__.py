"""`beehave prove`: the scenarios against products that are known to be wrong. Whatever stays green proves nothing."""
