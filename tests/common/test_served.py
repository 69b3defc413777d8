"""Which requests are remembered as served, and what is made of one that comes again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inflight import InFlight
from daemons.common.served import ServedIds

pytestmark = pytest.mark.anyio
WHOLE = b'{"choices": [{"message": {"content": "done"}}]}'


@given(st.lists(st.text(max_size=3), max_size=60), st.integers(1, 10))
def test_the_last_ones_are_remembered_in_their_first_order(ids, kept):
    served = ServedIds(kept)
    model: list[str] = []
    for each in ids:
        served.add(each)
        if each not in model:
            model = [*model, each][-kept:]
        assert len(served) == len(model) <= kept
        assert all(one in served for one in model)


async def test_a_served_request_is_not_tracked_again():
    inflight = InFlight()
    with inflight.track("a", Deadline.after_ms(1000)):
        inflight.served.add("a")
    with (
        pytest.raises(ApiError, match="has been served already") as caught,
        inflight.track("a", Deadline.after_ms(1000)),
    ):
        pytest.fail("run twice")
    assert caught.value.code is ErrorCode.DUPLICATE_REQUEST


async def test_what_was_served_is_refused_when_it_comes_again(net, client):
    async def serve(request):
        await request.answer(200, WHOLE)

    async with net.serve(serve) as upstream, net.relay_to(upstream.url) as relay:
        first = await client.ask(relay.url, headers={"x-request-id": "late"})
        second = await client.ask(relay.url, headers={"x-request-id": "late"})
        other = await client.ask(relay.url, headers={"x-request-id": "new"})
    assert (first.status_code, other.status_code) == (200, 200)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "duplicate_request")
    assert [each.headers["x-request-id"] for each in upstream.requests] == ["late", "new"]


async def test_what_failed_may_be_asked_again_under_its_id(net, client):
    async def fail_once(request):
        if len(upstream.requests) > 1:
            await request.answer(200, WHOLE)

    async with net.serve(fail_once) as upstream, net.relay_to(upstream.url) as relay:
        first = await client.ask(relay.url, headers={"x-request-id": "again"})
        second = await client.ask(relay.url, headers={"x-request-id": "again"})
    assert (first.status_code, second.status_code) == (502, 200)


async def test_a_client_whose_answer_was_lost_on_the_way_is_told_that_and_not_of_a_duplicate(net, client):
    async def lose(request):
        request.break_off()

    async def refuse(request):
        error = ApiError(ErrorCode.DUPLICATE_REQUEST, "served")
        await request.answer(409, json.dumps(error.body("x")).encode())

    async with net.serve(lose) as first, net.serve(refuse) as second, net.relay_to(first.url, second.url) as relay:
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.headers["retry-after"]) == (502, "1")
    assert len(second.requests) == 1
