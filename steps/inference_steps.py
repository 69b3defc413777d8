"""Steps that ask for completions and judge the answers and the daemons' own counts of them."""

from behave import given, then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.answers import error_of, retry_after_s


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
    context.world.clients.ask(count, at_once=False, model=model)


@then('the worker of "{model}" served {count:d} of them by its own count')
def then_worker_of_model_served(context, model, count):
    worker_id = context.world.registry.only_row(model=model)["id"]
    served = context.world.clients.served_by_workers()
    assert served[worker_id] == count, (
        f"expected {count} by {worker_id}, counted {served}; answers: {context.world.history.requests()}"
    )


@then("every request is answered")
def then_every_request_is_answered(context):
    sent = context.world.history.requests()
    failed = sent.failures()
    assert not failed, f"{len(failed)} of {sent.count} requests failed:\n" + "\n".join(failed)
    assert sent.count, "no request was sent"


@then("the hives served {count:d} of them by their own counts, evenly within {spread:d}")
def then_hives_served_evenly(context, count, spread):
    served = context.world.clients.served_by_hives()
    assert sum(served.values()) == count, f"{count} requests were answered, the hives count {served}"
    assert max(served.values(), default=0) - min(served.values(), default=0) <= spread, f"the split is uneven: {served}"


@then("every worker served some of them by its own count")
def then_every_worker_served(context):
    count = context.world.history.requests().count
    served = context.world.clients.served_by_workers()
    assert sum(served.values()) == count, f"{count} requests were sent, the workers count {served}"
    assert all(count > 0 for count in served.values()), f"a worker was left out: {served}"


@then("no hive refused any of them by its own count")
def then_no_hive_refused(context):
    refused = context.world.clients.rejected_by_hives()
    assert refused, "no hive was asked for its count"
    assert not any(refused.values()), f"requests went where they could not be served: the hives refused {refused}"


@then("hive-{number:d} served {count:d} of them by its own count")
def then_hive_served(context, number, count):
    served = context.world.clients.served_by_hives()
    assert served.get(f"hive-{number}", 0) == count, (
        f"hive-{number} should have served {count} more requests, the hives count {served}"
    )


@given("a client that has received half of the {count:d} tokens that it asked for")
def given_client_half_served(context, count):
    stream = context.world.clients.begin_stream(max_tokens=count)
    stream.wait_for_tokens(count // 2)
    assert not stream.ended, f"there is no middle to break: all that came, came at its end: {stream.observe()}"


@given("a client whose {kind:RequestKind} request waits for that worker")
def given_client_waits(context, kind):
    context.world.clients.wait_at_worker(streaming=kind == "streaming")


@then("the stream ends within {bound_s:d} second with one error chunk that carries its request id, and no [DONE]")
def then_stream_ends_with_error(context, bound_s):
    stream = context.world.history.stream
    stream.wait_for_end()
    assert not stream.done, f"a broken stream ended with [DONE], as if it were whole; error chunks: {stream.errors}"
    late_s = context.world.changes.stream_ended_after_s(stream.ended_at, bound_s=bound_s)
    assert late_s <= bound_s, f"the stream ended {late_s:.2f} s after its worker, not within {bound_s} s"
    assert [error.get("request_id") for error in stream.errors] == [stream.request_id], (
        f"expected one error chunk with request id {stream.request_id}, came: {stream.errors}"
    )
    assert not stream.after_end, f"something came after the error chunk: {stream.after_end}"
    assert stream.failure is None, f"the connection itself broke: {stream.failure}"


@then("the stream finishes with all of its tokens and [DONE]")
def then_stream_finishes(context):
    stream = context.world.history.stream
    count = stream.body["max_tokens"]
    seen = stream.wait_for_end()
    assert stream.done, f"no [DONE]: {seen}"
    assert not stream.errors, f"error chunks: {stream.errors}"
    assert len(stream.tokens) == count, f"{len(stream.tokens)} tokens came, {count} were asked for"


@then("the tokens received are the first tokens of the same request repeated whole")
def then_tokens_are_a_prefix(context):
    stream = context.world.history.stream
    received, whole = [token.text for token in stream.tokens], context.world.clients.repeat_whole()
    assert len(whole) == stream.body["max_tokens"], f"the repeated request was cut: {len(whole)}"
    assert received, "nothing was received before the cut"
    assert received == whole[: len(received)], f"received {received}\nbut the request repeated gives {whole}"


@then("the client gets 502 or 503 with Retry-After and its request id")
def then_client_gets_error(context):
    request_id, answer = context.world.history.waiting_answer()
    assert answer.status in {502, 503}, f"expected 502 or 503: {answer}"
    assert retry_after_s(answer) >= 0, f"no Retry-After: {answer.headers}"
    assert error_of(answer).get("request_id") == request_id, f"another request id: {answer}"


@then("the worker served {count:Requests} by its own count")
def then_worker_served(context, count):
    served = list(context.world.clients.served_by_workers().values())
    assert served == [count], f"expected one worker that served {count}: {served}"
