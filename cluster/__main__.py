"""`python -m cluster`: this project's own commands."""

from cluster.commands.cli import main

main()
