"""Proofs of scenarios: they run on products that are known to be wrong, where a green scenario proves nothing."""
