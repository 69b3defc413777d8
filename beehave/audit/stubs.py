"""Checks of `beehave stubs`: steps that cannot do what they say, found in the source without running it."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from beehave.audit.allowances import judged
from beehave.audit.code import Code
from beehave.audit.evidence import what_steps_write
from beehave.audit.fault import Facts, Fault
from beehave.audit.findings import Finding
from beehave.audit.rules import SOURCE_RULES, STEP_RULES
from beehave.audit.source import Source
from beehave.audit.step_functions import steps_of
from beehave.errors import HarnessError

STEPS = "steps"
HOOKS = "environment.py"
UNREADABLE = "syntax-error"
NO_STEP_CODE = frozenset({"audit", "rules", "progress", "proof"})
"""Folders of the kit that no step calls: names in them would only be mistaken for those that steps call."""


def find_stubs(project: Path, places: Sequence[Path] = (), *, file: str | None = None) -> list[Finding]:
    """Return the findings about steps and hooks of a project.

    Args:
        project: the folder to which file names are relative.
        places: folders of steps, or single files; steps/ and environment.py of the project when there are none.
        file: only the findings in files of this name, with or without `.py`; the others are still read, for what
            a step finds in `context` another one may have put there.

    Raises:
        HarnessError: a place or file does not exist; the message names those that do.
    """
    paths = _files(project, places)
    selected = [path for path in paths if file is None or file in {path.name, path.stem, _shown(path, project)}]
    if not selected:
        have = ", ".join(_shown(path, project) for path in paths) or "none"
        raise HarnessError(f"no steps file called {file!r}; there are: {have}" if file else "there is no steps file")
    sources, findings = _read(paths, project)
    drivers, packages = _drivers(project)
    code = Code(drivers, packages, [*sources, *_imported(sources, project, packages)])
    facts = Facts(code, what_steps_write(sources, code), _read_from_context(sources))
    findings = [finding for finding in findings if project / finding.file in selected]
    for source in sources:
        if source.path in selected:
            findings += _findings(source, facts)
    return sorted(set(findings))


def _files(project: Path, places: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places or [path for path in (project / STEPS, project / HOOKS) if path.exists()]:
        if place.is_dir():
            found += sorted(place.rglob("*.py"))
        elif place.is_file():
            found.append(place)
        else:
            near = place.parent if place.parent.is_dir() else project / STEPS
            have = ", ".join(_shown(path, project) for path in sorted(near.glob("*.py"))) or "none"
            raise HarnessError(f"there is no {_shown(place, project)}; the Python files in {near.name}/: {have}")
    return [path.resolve() for path in found]


def _shown(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()


def _read(paths: Sequence[Path], project: Path) -> tuple[list[Source], list[Finding]]:
    sources, findings = [], []
    for path in paths:
        try:
            sources.append(Source.read(path, project))
        except SyntaxError as error:
            findings.append(
                Finding(
                    _shown(path, project),
                    error.lineno or 1,
                    UNREADABLE,
                    path.name,
                    f"Python cannot read it: {error.msg}.",
                    "Make it valid; behave would stop at it, too.",
                )
            )
    return sources, findings


def _drivers(project: Path) -> tuple[list[Source], frozenset[str]]:
    """Return the code that steps call, and the names of its packages.

    It is that of the kit, and that of the packages which the project's environment.py imports.
    """
    kit = Path(__file__).parents[1]
    folders = {kit.name: kit}
    if (hooks := project / HOOKS).is_file():
        with contextlib.suppress(SyntaxError):  # reported as a finding
            roots = {dotted.partition(".")[0] for dotted in Source.read(hooks, project).imports.values()}
            folders |= {root: project / root for root in roots - {kit.name} if (project / root).is_dir()}
    sources = [
        Source.read(path, folder.parent)
        for folder in folders.values()
        for path in sorted(folder.rglob("*.py"))
        if folder is not kit or path.parent.name not in NO_STEP_CODE
    ]
    return sources, frozenset(folders)


def _imported(sources: Sequence[Source], project: Path, drivers: Collection[str]) -> list[Source]:
    """Return the modules beside the steps that they import, and what those import, as far as they can be read."""
    found: dict[Path, Source] = {}
    waiting = list(sources)
    seen = {source.path for source in sources}
    while waiting:
        source = waiting.pop()
        for path in _modules(source, project, drivers):
            if path not in seen:
                seen.add(path)
                try:
                    found[path] = Source.read(path, project)
                except SyntaxError:
                    continue  # behave will report it; its definitions remain unknown
                waiting.append(found[path])
    return list(found.values())


def _modules(source: Source, project: Path, drivers: Collection[str]) -> Iterator[Path]:
    for dotted in source.imports.values():
        if dotted.partition(".")[0] in drivers:
            continue
        parts = [part for part in dotted.split(".") if part]
        for folder in {project, source.path.parent, source.path.parent.parent}:
            for length in range(1, len(parts) + 1):
                path = folder.joinpath(*parts[:length]).with_suffix(".py")
                if path.is_file():
                    yield path.resolve()


def _read_from_context(sources: Sequence[Source]) -> frozenset[str]:
    return frozenset(
        node.attr
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if isinstance(node.value, ast.Name) and node.value.id == "context"
    )


def _findings(source: Source, facts: Facts) -> list[Finding]:
    steps = steps_of(source)
    subjects = {step.node: step.sentence for step in steps}
    faults: list[tuple[Fault, str]] = [
        (fault, step.sentence) for step in steps for rule in STEP_RULES for fault in rule(step, facts)
    ]
    for rule in SOURCE_RULES:
        for fault in rule(source, facts):
            function = source.function_around(fault.line)
            subject = "the module itself" if function is None else subjects.get(function, f"{function.name}()")
            faults.append((fault, subject))
    sentences = dict(faults)
    return [
        Finding(source.name, fault.line, fault.rule, sentences.get(fault, "exception"), fault.why, fault.advice)
        for fault in judged(source, sentences)
    ]
