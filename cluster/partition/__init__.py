"""Links that break and heal."""
