"""Processes of a run: their table, listeners, file locks, logs, resource use, and the census."""
