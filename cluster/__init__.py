"""The driver of queen, hives and workers, for steps and commands."""
