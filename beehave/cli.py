"""The `beehave` command: run features, draw reports, audit steps, prove scenarios, tell what this machine can do."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from beehave import sandbox
from beehave.audit.findings import Format, render
from beehave.errors import HarnessError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

NoSandbox = Annotated[
    bool, typer.Option("--no-sandbox", help="Do without namespaces: subreaper, leased ports and a watchdog instead.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="For people, for programs, or for a code host.")]


class ProgressForm(StrEnum):
    """Output formats of `beehave progress`."""

    TEXT = "text"
    JSON = "json"


def show_version(wanted: bool) -> None:  # noqa: FBT001 - typer hands it the flag
    """Print the installed version and leave."""
    if wanted:
        typer.echo(f"beehave {version('beehave')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Drive real daemons with behave, and break them for real."""


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=PASS_ON)
def run(
    context: typer.Context,
    no_sandbox: NoSandbox = False,
    nightly: Annotated[bool, typer.Option("--nightly", help="Run the scenarios tagged @nightly as well.")] = False,
) -> None:
    """Run the features; all other options and paths are behave's own (see `behave --help`)."""
    from beehave.command_line import behave_command, environment

    arguments = behave_command(context.args, no_sandbox=no_sandbox, nightly=nightly)
    os.execve(arguments[0], arguments, environment())  # noqa: S606 - so that signals and status are behave's own


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what this machine can do, and how to enable the rest."""
    from beehave.machine.capabilities import doctor as examine

    raise typer.Exit(examine(as_json=as_json))


@app.command()
def report(
    journal: Annotated[
        Path | None, typer.Argument(help="A run's folder or its journal; the last run's when it is not given.")
    ] = None,
) -> None:
    """Write the report of a run from its journal alone; this also works for a run that was killed."""
    from beehave.report.report import write_report
    from beehave.session import JOURNAL_NAME, REPORTS

    path = journal or Path.cwd() / REPORTS / "last"
    path = path / JOURNAL_NAME if path.is_dir() else path
    if not path.is_file():
        raise HarnessError(f"no journal at {path}: run `behave` first, or name a run's folder below {REPORTS}/")
    typer.echo(write_report(path).as_posix())


@app.command("duplicates")
def find_duplicates(
    form: FormatOption = Format.TEXT,
) -> None:
    """Find lines with two step definitions or none, unused and overlapping definitions, scenarios without When or Then.

    Every line of every feature, outlines expanded, is matched against every definition by behave's own matchers.
    Nothing is run. Exits 1 when anything was found.
    """
    from beehave.audit.duplicates import duplicates

    found = duplicates(Path.cwd())
    typer.echo(render(found, form, tool="beehave duplicates"))
    raise typer.Exit(1 if found else 0)


@app.command("progress")
def show_progress(
    *,
    compare: Annotated[
        Path | None, typer.Option(help="A baseline: what has been lost since is named, and exits 1.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write a baseline; never over another one without --force.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --save write over a baseline.")] = False,
    manifest: Annotated[
        bool, typer.Option("--write-manifest", help="List the scenarios that there are in features/manifest.txt.")
    ] = False,
    run: Annotated[Path | None, typer.Option(help="The run to take results from; the last one by default.")] = None,
    form: Annotated[ProgressForm, typer.Option("--format", help="For people or for programs.")] = ProgressForm.TEXT,
) -> None:
    """Show, by family: behaviours listed, scenarios, steps, what ran, passed and was skipped, and what is proven.

    The numbers come only from the feature files, docs/behaviours.md, the last run's journal and the last proof.
    Exits 1 when a scenario has vanished (features/manifest.txt lists them all) or is not listed, and with --compare
    when anything got worse.
    """
    from beehave.progress.manifest import write_manifest
    from beehave.progress.measure import measure, read_baseline, regressions
    from beehave.progress.text import as_json, as_text

    if save is not None and save.exists() and not force:
        raise HarnessError(f"{save} is there already: name another file, or say --force to write over it")
    baseline = None if compare is None else read_baseline(compare)
    if manifest:
        write_manifest(Path.cwd())
    progress, problems = measure(Path.cwd(), run)
    if baseline is not None:
        problems += regressions(baseline, progress)
    typer.echo((as_json if form is ProgressForm.JSON else as_text)(progress, problems))
    if save is not None:
        save.write_text(progress.model_dump_json(indent=2) + "\n", encoding="utf-8")
    raise typer.Exit(1 if problems else 0)


@app.command()
def stubs(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATHS]...", help="Folders of steps, or files; steps/ and environment.py if none."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="NAME", help="Only this file: web_steps, or web_steps.py.")
    ] = None,
    form: FormatOption = Format.TEXT,
) -> None:
    """Find steps that cannot do what they say; nothing is imported or run.

    Empty and log-only bodies, a Then that may assert nothing or compares only its own arguments, parameters
    without effect, swallowed errors, sleeps, ports and durations written into steps, and more: docs/proving.md
    has the list. An exception is a comment on the line, with its reason: # stubs: allow RULE: REASON

    Exits 0 when nothing is found, 1 when something is, 2 when a path or name does not exist.
    """
    from beehave.audit.stubs import find_stubs

    findings = find_stubs(Path.cwd(), places or (), file=file)
    typer.echo(render(findings, form, tool="beehave stubs"))
    raise typer.Exit(1 if findings else 0)


@app.command()
def prove(
    seeds: Annotated[list[str] | None, typer.Argument(help="Names of seeded bugs; all when none is given.")] = None,
    *,
    family: Annotated[str | None, typer.Option(help="Only seeds of this family of beehave.toml.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="How many runs of behave at once.")] = 1,
    every_scenario: Annotated[
        bool, typer.Option("--all", help="Meet each seed with every scenario, not only those that it names.")
    ] = False,
    fast: Annotated[bool, typer.Option("--fast", help="A few quick seeds of different families, each once.")] = False,
    null: Annotated[bool, typer.Option("--null", help="Daemons that answer 200 {} to everything instead.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Daemons that freeze once they are ready instead.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result there as well.")] = None,
    no_sandbox: NoSandbox = False,
) -> None:
    """Run the scenarios on daemons with one bug each, and show which bugs and which Then sentences they catch."""
    from beehave.proof.command import ProofOptions
    from beehave.proof.command import prove as prove_seeds
    from beehave.proof.stand_ins import NULL, SILENT, run_stand_in

    options = ProofOptions(tuple(seeds or ()), family, jobs, every_scenario, fast, no_sandbox, json_file)
    stand_ins = [each for each, chosen in ((NULL, null), (SILENT, silent)) if chosen]
    if stand_ins and (seeds or every_scenario):
        raise HarnessError("--null and --silent take the place of seeds: give neither seeds nor --all")
    if not stand_ins:
        raise typer.Exit(prove_seeds(Path.cwd(), options))
    raise typer.Exit(max(run_stand_in(Path.cwd(), each, options) for each in stand_ins))


def main() -> None:
    """Run the command; an error of the harness is one line on standard error and status 2."""
    try:
        app()
    except HarnessError as error:
        print(f"beehave: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        sys.exit(2)
    finally:
        sandbox.report_to_launcher(finished=True)  # a command that entered a sandbox has come to its own end
