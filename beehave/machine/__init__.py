"""Capabilities of this machine, their probes, and control groups."""
