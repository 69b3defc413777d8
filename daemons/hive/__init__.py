"""The node agent: starts, watches and ends the workers of a machine, and keeps their models."""
