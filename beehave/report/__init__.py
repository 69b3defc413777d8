"""The report of a run, drawn from its journal alone."""
