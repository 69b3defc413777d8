"""`python -m cluster`: the checks before a merge, a cluster to play with, its benchmark, its OpenAPI files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from beehave import HarnessError, sandbox

app = typer.Typer(
    help="The commands of the queen, hive and worker project; `beehave --help` shows those of the kit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("test")
def run_checks(
    no_sandbox: Annotated[
        bool,
        typer.Option("--no-sandbox", help="Do without namespaces: subreaper, leased ports and a watchdog instead."),
    ] = False,
    nightly: Annotated[
        bool, typer.Option("--nightly", help="Full length, in three random orders, and the whole proof.")
    ] = False,
) -> None:
    """Run lint, types, audits, unit tests, features and a fast proof, and end with one line that counts what ran."""
    from cluster.commands.suite import run_everything

    raise typer.Exit(run_everything(Path.cwd(), no_sandbox=no_sandbox, nightly=nightly))


@app.command()
def up(
    hives: Annotated[int, typer.Option(min=1, max=99, help="How many hives.")] = 1,
    workers: Annotated[int, typer.Option(min=0, max=64, help="How many workers on each hive.")] = 1,
    config: Annotated[Path | None, typer.Option(help="Another file in the form of beehave.toml.")] = None,
) -> None:
    """Start a queen, hives and workers, say where they listen, and end them all on Ctrl-C."""
    from cluster.commands.up import run_cluster

    raise typer.Exit(run_cluster(Path.cwd(), hives=hives, workers=workers, config=config))


@app.command()
def benchmark() -> None:
    """Measure start-up, throughput and added latency on this machine (about a minute)."""
    from cluster.commands.benchmark import measure

    for line in measure(Path.cwd()):
        typer.echo(line)


@app.command()
def openapi() -> None:
    """Write docs/openapi/ anew from what the daemons serve."""
    from cluster.commands.openapi import write_all

    for path in write_all(Path.cwd()):
        typer.echo(path.relative_to(Path.cwd()).as_posix())


def main() -> None:
    """Run the command; an error of the harness is one line on standard error and status 2."""
    try:
        app(prog_name="python -m cluster")
    except HarnessError as error:
        print(f"cluster: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        sys.exit(2)
    finally:
        sandbox.report_to_launcher(finished=True)  # a command that entered a sandbox has come to its own end
