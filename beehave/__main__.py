"""`python -m beehave` is the `beehave` command."""

from beehave.cli import main

main()
