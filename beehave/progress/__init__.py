"""Progress of a project: behaviours, scenarios, results and proofs, by family."""
