"""Entry point of `python -m beehave`, which is the `beehave` command."""

from beehave.cli import main

main()
