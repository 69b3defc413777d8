"""Steps about requests through all tiers: with a deadline, with a mistake, by the official client; and the contract."""

from pathlib import Path

from behave import then, when

from cluster import parameter_types  # noqa: F401 - registers the parameters of the sentences below
from cluster.cluster import TOKEN_INTERVAL_MS


@when("the {hop:Role} is asked for {tokens:d} tokens with a deadline of {deadline_ms:d} ms")
def when_asked_within(context, hop, tokens, deadline_ms):
    context.world.requests.ask_within(hop, max_tokens=tokens, deadline_ms=deadline_ms)


@when("{count:d} requests for another model reach the worker, and a sound one follows each")
def when_mistakes(context, count):
    context.world.requests.ask_with_mistakes(count)


@then('the answer is {status:d} with code "{code}", after {least_ms:d} ms and before {most_ms:d} ms')
def then_bounded(context, status, code, least_ms, most_ms):
    answer = context.world.history.answer()
    assert (answer.status, answer.error_code) == (status, code), f"expected {status} {code}: {answer}"
    assert least_ms <= answer.elapsed_ms < most_ms, f"answered after {answer.elapsed_ms:.0f} ms: {answer}"


@then('each of the {count:d} mistakes is answered {status:d} with code "{code}"')
def then_mistakes_are_answered(context, count, status, code):
    answers = context.world.requests.mistakes_answered()
    fitting = [answer for answer in answers if (answer.status, answer.error_code) == (status, code)]
    assert len(fitting) == count, f"expected {count} times {status} {code}:\n" + "\n".join(map(str, answers))


@when("the {role:Role} is asked for its OpenAPI document")
def when_asked_for_openapi(context, role):
    context.world.openapi_files.ask(role)


@then("it is the document in docs/openapi")
def then_openapi_is_true(context):
    role, different = context.world.openapi_files.differences(Path(context.config.base_dir))
    assert not different, (
        f"docs/openapi/{role}.json (left) is not what is served (right); "
        "`python -m cluster openapi` writes it anew:\n" + "\n".join(different)
    )


@when("the official OpenAI client lists the models and streams {count:d} tokens")
def when_openai_client(context, count):
    context.world.openai.list_and_stream(max_tokens=count)


@then('it listed "{model}"')
def then_openai_listed(context, model):
    listed = context.world.openai.session().models
    assert listed == [model], f"the client listed {listed}"


@then("it received {count:d} tokens in {count_again:d} pieces, the same as in one answer that is not streamed")
def then_openai_received(context, count, count_again):
    pieces = context.world.openai.session().pieces
    whole = context.world.openai.whole_answer(max_tokens=count)
    assert len(pieces) == count == count_again, f"{len(pieces)} pieces came: {pieces}"
    assert "".join(pieces) == whole, f"streamed {pieces}, whole {whole!r}"


@then("the pieces came as they were made, over at least half of the time that making them takes")
def then_pieces_spread(context):
    session = context.world.openai.session()
    spread_s, made_in_s = session.spread_s, (len(session.pieces) - 1) * TOKEN_INTERVAL_MS / 1000
    assert session.pieces, "no piece came"
    assert spread_s >= made_in_s / 2, f"all pieces came within {spread_s:.3f} s; making them takes {made_in_s:.3f} s"
