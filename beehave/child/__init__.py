"""Runs of behave as child processes, for features about the harness itself."""
