"""Databases that break, and what the daemons make of it."""
