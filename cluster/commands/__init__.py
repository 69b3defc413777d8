"""This project's own commands: a cluster to play with, its checks, its figures."""
