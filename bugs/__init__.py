"""Seeded bugs: small wrong versions of the daemons that the scenarios must catch. See `launcher` and `seed`."""
