"""The engine: the same model, prompt and seed give the same tokens, at the configured pace."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.errors import ApiError, ErrorCode
from daemons.worker.engine import VOCABULARY, PacedEngine, count_tokens, sequence_base, token_at
from daemons.worker.slots import Slots


async def collect(engine: PacedEngine, prompt: str, max_tokens: int, seed: int) -> list[str]:
    return [token async for token in engine.generate(prompt, max_tokens, seed)]


@given(st.text(), st.text(max_size=20), st.integers(), st.integers(1, 30), st.integers(1, 30))
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(prompt, model, seed, one, other):
    short, long = sorted((one, other))
    first = asyncio.run(collect(PacedEngine(model, 0), prompt, short, seed))
    second = asyncio.run(collect(PacedEngine(model, 0), prompt, long, seed))
    assert second[:short] == first
    assert len(second) == long


@given(st.tuples(st.text(), st.text(), st.integers()), st.tuples(st.text(), st.text(), st.integers()))
def test_another_model_prompt_or_seed_is_another_sequence(one, other):
    bases = [sequence_base(model, prompt, seed) for model, prompt, seed in (one, other)]
    assert (bases[0] == bases[1]) == (one == other)


def test_tokens_are_words_of_the_vocabulary():
    assert len(set(VOCABULARY)) == 64, "every word equally often: 256 is a multiple of 64"
    tokens = {token_at(sequence_base("m", "p", 0), index) for index in range(2000)}
    assert tokens == {f" {word}" for word in VOCABULARY}


@pytest.mark.anyio
async def test_the_pace_is_kept_against_a_schedule():
    """A reader who is late once gets the late tokens at once, and the rest when they were due."""
    began = time.monotonic()
    times = []
    async for _ in PacedEngine("m", 20).generate("p", 10, 0):
        times.append(time.monotonic() - began)
        if len(times) == 2:
            await asyncio.sleep(0.06)
    assert times[0] >= 0.02
    assert times[4] - times[2] < 0.04
    assert 0.2 <= times[-1] < 0.3


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("one", 1), (" two  words\n", 2)])
def test_a_prompt_counts_as_its_words(text, tokens):
    assert count_tokens(text) == tokens


def test_slots():
    slots = Slots(2)
    with slots.take("a"), slots.take("b"):
        assert slots.busy == 2
        with pytest.raises(ApiError) as caught, slots.take("c"):
            pass
        assert caught.value.code is ErrorCode.BUSY
        assert slots.busy == 2
    assert slots.busy == 0
    with pytest.raises(ZeroDivisionError), slots.take("a"):
        raise ZeroDivisionError
    assert slots.busy == 0
