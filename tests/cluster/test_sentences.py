"""Any `Then` can follow any `When`: what comes is a verdict, or a sentence that says what no step did."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from behave.matchers import MatchWithError

from beehave.audit.project import Definition, Project, load_project
from beehave.audit.samples import filled, harvest
from beehave.errors import HarnessError
from cluster.world import World

PROJECT = Path(__file__).parents[2]
OTHER_FILES = ("harness_steps.py",)
"""Steps about runs of behave itself."""

WHENS = [
    pytest.param((), id="nothing was done"),
    *(
        pytest.param((line,), id=line)
        for line in (
            "2 requests are sent one after the other",
            "1 request is sent",
            '1 request for the model "nope:1b" is sent',
            "the queen is asked for 2 tokens with a deadline of 600 ms",
            "2 requests for another model reach the worker, and a sound one follows each",
            "3 clients each stream 12 tokens in the same instant",
            '"tiny:1b" streams 12 tokens',
            "2 workers are spawned at once",
            'a worker is spawned for the model "nope:1b"',
            "1 worker is stopped",
            "the hive is asked for its models",
        )
    ),
    pytest.param(('"tiny:1b" streams 12 tokens', "the client hangs up"), id="a client hangs up"),
    pytest.param(("a worker is frozen", "the frozen worker goes on"), id="a worker was frozen"),
    pytest.param(("a worker is killed", "1 request is sent"), id="a worker was killed"),
    pytest.param(("hive-1 is killed",), id="hive-1 was killed"),
]


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(PROJECT)


@pytest.fixture(scope="module")
def thens(project: Project) -> list[str]:
    samples = harvest(project)
    definitions = [each for each in project.definitions if each.serves("then") and _ours(each)]
    return [next(filled(definition, samples)) for definition in definitions]


def _ours(definition: Definition) -> bool:
    return not definition.file.endswith(OTHER_FILES)


def run(project: Project, step_type: str, line: str, world: World) -> None:
    """Run one step as behave would, without its runner."""
    definition = project.definitions_of(step_type, line)[0]
    match = definition.match(line)
    assert not isinstance(match, MatchWithError), line
    context = SimpleNamespace(world=world, config=SimpleNamespace(base_dir=str(PROJECT)))
    match.func(context, **{argument.name: argument.value for argument in match.arguments})


@pytest.mark.parametrize("whens", WHENS)
def test_any_then_gives_a_verdict_or_a_sentence(project, thens, world, whens):
    for line in whens:
        run(project, "when", line, world)
    wrong = {}
    for line in thens:
        try:
            run(project, "then", line, world)
        except (AssertionError, HarnessError) as error:
            if not str(error).strip():
                wrong[line] = "an error without words"
        except Exception as error:  # noqa: BLE001 - what must never come, whatever it is
            wrong[line] = repr(error)
    assert not wrong, "\n".join(f"{line}: {error}" for line, error in wrong.items())


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ("every request is answered", "no When of this scenario sent a request"),
        ('the answer is 404 with code "model_not_found"', "no When of this scenario sent a request or"),
        ("4 distinct ids were answered", "no When of this scenario spawned a worker"),
        ("the hive saw each of them exit with status 0", "no When of this scenario acted on a worker"),
        ("they are the same processes as before", "no When of this scenario acted on a worker or ended a daemon or"),
        (
            "the stream ends within the stall bound with one error chunk that carries its request id, and no [DONE]",
            "a stream",
        ),
        ("all 12 streams are whole", "no step of this scenario began a stream"),
        ("no worker ever had more slots taken than it has", "watched the slots"),
        ("hive-1 is available again within 2 heartbeats, as the same instance", "restored a link or started a daemon"),
        ("the broken file is kept aside, byte by byte", "no When of this scenario destroyed a part of the catalog"),
        ("the hive's memory has grown by no more than 4 MiB", "no When of this scenario let workers run out of memory"),
        ("the pieces came as they were made, over at least half of the time that making them takes", "OpenAI client"),
        ("it is the document in docs/openapi", "no When of this scenario asked a daemon for its OpenAPI document"),
    ],
)
def test_a_premise_that_lacks_is_named(project, world, then, sentence):
    with pytest.raises(HarnessError, match=sentence):
        run(project, "then", then, world)


@pytest.mark.parametrize(
    ("when", "then"),
    [
        ('1 request for the model "nope:1b" is sent', 'the answer is 404 with code "model_not_found"'),
        (
            '1 request for the model "nope:1b" is sent',
            'each of the 1 mistakes is answered 404 with code "model_not_found"',
        ),
        ("3 clients each stream 12 tokens in the same instant", "every request is answered"),
        ('"tiny:1b" streams 12 tokens', "the stream finishes with all of its tokens and [DONE]"),
        ('"tiny:1b" streams 12 tokens', "every request is answered"),
        ('"tiny:1b" streams 12 tokens', "all 1 streams are whole"),
        ("the hive is asked for its models", "every request is answered"),
        ('a worker is spawned for the model "nope:1b"', 'the answer is 404 with code "model_not_found"'),
        ("the queen is asked for 2 tokens with a deadline of 600 ms", "every request is answered"),
    ],
)
def test_sentences_that_read_well_together_work_together(project, world, when, then):
    run(project, "when", when, world)
    run(project, "then", then, world)
