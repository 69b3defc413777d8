"""How far a project is: behaviours, scenarios, results and proofs, by family."""
