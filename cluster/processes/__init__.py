"""How daemons start, run and reload."""
