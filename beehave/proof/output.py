"""The output of a proof: a line for each seed while it runs; at its end the matrix, what is missing, and shares."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from beehave.proof.judgement import Mark, Run, Verdict
from beehave.proof.results import Proof, SeedResult

TEMPLATE = "proof.html.j2"
_STYLES = {Verdict.CAUGHT: "green", Verdict.NOT_JUDGED: "yellow"}
_UNSTYLED_WIDTH = 160
"""Columns when the output is not a terminal: log files may have longer lines than 80."""


def console() -> Console:
    """Return the console for the output: with colours on a terminal, plain otherwise."""
    probe = Console()
    return probe if probe.is_terminal else Console(width=_UNSTYLED_WIDTH)


def print_clean_run(out: Console, run: Run) -> None:
    """Print one line for a part of the clean run."""
    green = len(run.marked({Mark.GREEN}))
    file = next(iter(run.endings)).partition("::")[0]
    out.print(f"clean   {run.seconds:6.1f} s  {green} of {len(run.endings)} green  {escape(file)}", soft_wrap=True)


def print_seed(out: Console, name: str, result: SeedResult, *, place: str) -> None:
    """Print one line for a seed that was judged."""
    style = _STYLES.get(Verdict(result.verdict), "red")
    reds = {red["scenario"] for red in result.reds}
    ran = len(result.scenarios)
    note = f"{len(reds)} of {ran} red" if result.caught else result.why.partition("\n")[0] or f"all {ran} green"
    line = f"{place}  {result.seconds:6.1f} s  [{style}]{result.verdict}[/]  {result.family}  {name}  {escape(note)}"
    out.print(line, soft_wrap=True)


def print_proof(out: Console, proof: Proof) -> None:
    """Print the matrix, the uncaught seeds, the sentences that were never red, and the two percentages."""
    out.print(matrix(proof))
    if proof.skipped:
        out.print("\n[bold]Skipped on this machine[/]")
        for scenario, reason in proof.skipped.items():
            out.print(f"  {escape(scenario)}: {escape(reason)}", soft_wrap=True)
    if proof.uncaught:
        out.print("\n[bold]Uncaught seeds[/]")
        for name, result in proof.uncaught.items():
            out.print(f"  {name}: {result.verdict}: {escape(result.headline)}", soft_wrap=True)
            for line in result.why.splitlines():
                out.print(f"      {escape(line)}", soft_wrap=True)
    if proof.never_red:
        out.print(f"\n[bold]Then sentences that no seed has turned red[/] (of {', '.join(proof.scope)})")
        for pattern, families in proof.never_red.items():
            out.print(f"  {', '.join(families):<14}  {escape(pattern)}", soft_wrap=True)
    for line in totals(proof):
        out.print(escape(line), soft_wrap=True)


def totals(proof: Proof) -> list[str]:
    """Return the closing lines."""
    caught, red = len(proof.seeds) - len(proof.uncaught), len(proof.thens) - len(proof.never_red)
    lines = ["", f"seeds caught:   {proof.percent_caught:5.1f} %  ({caught} of {len(proof.seeds)})"]
    if proof.thens:
        of = f"{red} of {len(proof.thens)} of {', '.join(proof.scope)}"
        lines.append(f"Then seen red:  {proof.percent_thens:5.1f} %  ({of})")
    return lines


def matrix(proof: Proof) -> Table:
    """Return the matrix seed × scenario, a line for each pair that was run."""
    table = Table("seed", "family", "verdict", "s", "scenario", "runs", "first failing step", box=None, pad_edge=False)
    for name, result in proof.seeds.items():
        steps = {red["scenario"]: red["step"] for red in reversed(result.reds)}
        head = [name, result.family, result.verdict, f"{result.seconds:.0f}"]
        for scenario, marks in result.scenarios.items() or {"": []}.items():
            sentence = scenario.partition("::")[2]
            table.add_row(*head, escape(sentence), ", ".join(marks), escape(steps.get(scenario, "")))
            head = [""] * len(head)
    return table


def write_html(proof: Proof, path: Path) -> None:
    """Write the same as an HTML page."""
    environment = Environment(
        loader=PackageLoader("beehave.proof", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    path.write_text(environment.get_template(TEMPLATE).render(proof=proof), encoding="utf-8")
