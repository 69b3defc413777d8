"""Steps about requests with a deadline, and requests with a mistake."""

from behave import then, when


@when("the {hop:w} is asked for {tokens:d} tokens with a deadline of {deadline_ms:d} ms")
def when_asked_within(context, hop, tokens, deadline_ms):
    context.world.requests.ask_within(hop, max_tokens=tokens, deadline_ms=deadline_ms)


@when("{count:d} requests for another model reach the worker, and a sound one follows each")
def when_mistakes(context, count):
    context.world.requests.ask_with_mistakes(count)


@then('the answer is {status:d} with code "{code}", after {least_ms:d} ms and before {most_ms:d} ms')
def then_bounded(context, status, code, least_ms, most_ms):
    answer, took_s = context.world.requests.bounded_answer()
    assert (answer.status, answer.error_code) == (status, code), (
        f"expected {status} {code} after {took_s:.2f} s: {answer}"
    )
    assert least_ms <= took_s * 1000 < most_ms, f"answered after {took_s:.2f} s: {answer}"


@then('each of the {count:d} mistakes is answered {status:d} with code "{code}"')
def then_mistakes_are_told(context, count, status, code):
    answers = context.world.requests.mistakes_answered()
    told = [answer for answer in answers if (answer.status, answer.error_code) == (status, code)]
    assert len(told) == count, f"expected {count} times {status} {code}:\n" + "\n".join(map(str, answers))
