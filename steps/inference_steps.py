"""Steps that ask for completions and judge the answers and the daemons' own counts of them."""

from behave import given, then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.cluster import TOKEN_INTERVAL_MS


@when("{count:Requests} are sent one after the other")
def when_requests_one_by_one(context, count):
    context.world.clients.ask(count, at_once=False)


@when("{count:Requests} are sent at once")
@when("{count:Requests} is sent")
def when_requests_at_once(context, count):
    context.world.clients.ask(count, at_once=True)


@when('{count:Requests} for the model "{model}" are sent one after the other')
@when('{count:Requests} for the model "{model}" is sent')
def when_requests_for_model(context, count, model):
    context.world.clients.ask_for_model(count, model=model)


@then('the worker of "{model}" served {count:d} of them by its own count')
def then_worker_of_model_served(context, model, count):
    (row,) = [row for row in context.world.registry.queen_rows() if row["model"] == model]
    served = context.world.clients.served_by_workers()
    assert served[row["id"]] == count, (
        f"expected {count} by {row['id']}, counted {served}; answers: {list(map(str, context.world.clients.answers))}"
    )


@then("every request is answered")
def then_every_request_is_answered(context):
    failed = [str(answer) for answer in context.world.clients.answers_observed() if answer.status != 200]
    assert not failed, f"{len(failed)} of {len(context.world.clients.answers)} requests failed:\n" + "\n".join(failed)
    assert context.world.clients.answers, "no request was sent"


@then("the hives served {count:d} of them by their own counts, evenly within {spread:d}")
def then_hives_served_evenly(context, count, spread):
    served = context.world.clients.served_by_hives()
    assert sum(served.values()) == count, f"{count} requests were answered, the hives count {served}"
    assert max(served.values()) - min(served.values()) <= spread, f"the split is uneven: {served}"


@then("every worker served some of them by its own count")
def then_every_worker_served(context):
    served = context.world.clients.served_by_workers()
    assert sum(served.values()) == len(context.world.clients.answers), f"the workers count {served}"
    assert all(count > 0 for count in served.values()), f"a worker was left out: {served}"


@then("no hive refused any of them by its own count")
def then_no_hive_refused(context):
    refused = context.world.clients.rejected_by_hives()
    assert refused, "no hive was asked for its count"
    assert not any(refused.values()), f"requests went where they could not be served: the hives refused {refused}"


@then("hive-{number:d} served {count:d} of them by its own count")
def then_hive_served(context, number, count):
    served = context.world.clients.served_by_hives()
    assert served[f"hive-{number}"] == count, (
        f"hive-{number} should have served {count} more requests, the hives count {served}"
    )


@given("a client that has received half of the {count:d} tokens that it asked for")
def given_client_half_served(context, count):
    stream = context.world.clients.begin_stream(max_tokens=count)
    stream.wait_for_tokens(count // 2)
    assert not stream.ended, f"there is no middle to break: all that came, came at its end: {stream.observe()}"


@given("a client whose {kind:RequestKind} request waits for that worker")
def given_client_waits(context, kind):
    context.world.clients.begin_waiting(streaming=kind == "streaming")


@then("the stream ends within {bound_s:d} second with one error chunk that carries its request id, and no [DONE]")
def then_stream_ends_with_error(context, bound_s):
    stream = context.world.clients.stream
    stream.wait_for_end()
    assert not stream.done, f"a broken stream ended with [DONE], as if it were whole; error chunks: {stream.errors}"
    late_s = context.world.changes.told_after_s(stream.ended_at, bound_s=bound_s)
    assert late_s <= bound_s, f"the stream ended {late_s:.2f} s after its worker, not within {bound_s} s"
    assert [error["request_id"] for error in stream.errors] == [stream.request_id], (
        f"expected one error chunk with request id {stream.request_id}, came: {stream.errors}"
    )
    assert not stream.after_end, f"something came after the error chunk: {stream.after_end}"
    assert stream.failure is None, f"the connection itself broke: {stream.failure}"


@then("the stream finishes with all of its tokens and [DONE]")
def then_stream_finishes(context):
    stream = context.world.clients.stream
    count = stream.body["max_tokens"]
    seen = stream.wait_for_end()
    assert stream.done, f"no [DONE]: {seen}"
    assert not stream.errors, f"error chunks: {stream.errors}"
    assert len(stream.tokens) == count, f"{len(stream.tokens)} tokens came, {count} were asked for"


@then("the tokens received are the first tokens of the same request repeated whole")
def then_tokens_are_a_prefix(context):
    received = [token.text for token in context.world.clients.stream.tokens]
    whole = context.world.clients.repeat_whole()
    assert len(whole) == context.world.clients.stream.body["max_tokens"], f"the repeated request was cut: {len(whole)}"
    assert received, "nothing was received before the cut"
    assert received == whole[: len(received)], f"received {received}\nbut the request repeated gives {whole}"


@then("the client gets 502 or 503 with Retry-After and its request id")
def then_client_gets_error(context):
    within_s = context.world.cluster.durations.deadline_ms / 1000
    request_id, answer = context.world.clients.waiting_answer(within_s=within_s)
    assert answer.status in {502, 503}, f"expected 502 or 503: {answer}"
    assert int(answer.headers.get("retry-after", "-1")) >= 0, f"no Retry-After: {answer.headers}"
    assert answer.json["error"]["request_id"] == request_id, f"another request id: {answer}"


@when("the official OpenAI client lists the models and streams {count:d} tokens")
def when_openai_client(context, count):
    context.world.openai.list_and_stream(max_tokens=count)


@then('it listed "{model}"')
def then_openai_listed(context, model):
    listed = context.world.openai.listed()
    assert listed == [model], f"the client listed {listed}"


@then("it received {count:d} tokens in {count_again:d} pieces, the same as in one answer that is not streamed")
def then_openai_received(context, count, count_again):
    pieces = context.world.openai.pieces
    whole = context.world.openai.whole_answer(max_tokens=count)
    assert len(pieces) == count == count_again, f"{len(pieces)} pieces came: {pieces}"
    assert "".join(pieces) == whole, f"streamed {pieces}, whole {whole!r}"


@then("the pieces came as they were made, over at least half of the time that making them takes")
def then_pieces_spread(context):
    spread_s = context.world.openai.spread_s()
    made_in_s = (len(context.world.openai.pieces) - 1) * TOKEN_INTERVAL_MS / 1000
    assert spread_s >= made_in_s / 2, f"all pieces came within {spread_s:.3f} s; making them takes {made_in_s:.3f} s"


@then("the worker served {count:Requests} by its own count")
def then_worker_served(context, count):
    served = list(context.world.clients.served_by_workers().values())
    assert served == [count], f"expected one worker that served {count}: {served}"
