"""`python -m harness` is the `beehave` command."""

from harness.cli import main

main()
