"""This project's own commands: a cluster to play with, the checks, the benchmark."""
