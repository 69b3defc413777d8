"""The tail of a stream, whatever its chunks: what passes is a prefix of whole events, and the marks are seen."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.sse import MAX_EVENT_BYTES, NotAnEventStreamError, SseTail

ERROR = ApiError(ErrorCode.WORKER_LOST, "gone").chunk("abc")
LINE_ENDS = st.sampled_from([b"\n", b"\r\n"])


@st.composite
def events(draw):
    """One event: a few lines of any bytes but line ends, each ended in the same way, then an empty line."""
    end = draw(LINE_ENDS)
    text = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\n" not in raw and b"\r" not in raw)
    lines = draw(st.lists(st.one_of(text, text.map(lambda raw: b"data: " + raw)), min_size=1, max_size=3))
    return b"".join(line + end for line in lines) + end


@st.composite
def cuts(draw, data):
    """The data cut into chunks at arbitrary places."""
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=10)))
    edges = [0, *places, len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@given(st.data(), st.lists(events(), max_size=5), st.binary(max_size=20))
def test_only_whole_events_pass_and_nothing_is_lost(data, whole, rest):
    sent = b"".join(whole) + rest
    tail = SseTail()
    passed = b""
    for chunk in data.draw(cuts(sent)):
        passed += tail.feed(chunk)
        assert sent.startswith(passed)
    assert len(passed) + tail.held_bytes == len(sent)
    assert len(passed) >= len(b"".join(whole)) - 1  # a lone CR at the very end may still become a CRLF
    assert passed == b"" or passed.endswith((b"\n\n", b"\r\n", b"\r\r", b"\n\r"))


@given(st.data(), st.lists(events().filter(lambda raw: b"[DONE]" not in raw), max_size=3))
def test_done_is_seen_however_it_is_cut(data, before):
    tail = SseTail()
    for chunk in data.draw(cuts(b"data: {}\n\n" + b"".join(before) + b"data: [DONE]\n\n")):
        assert not tail.saw_done
        tail.feed(chunk)
    assert tail.saw_done
    assert tail.complete
    assert tail.held_bytes == 0


@given(st.data())
def test_an_error_is_seen_with_its_code_however_it_is_cut(data):
    tail = SseTail()
    for chunk in data.draw(cuts(b"data: {}\r\n\r\n" + ERROR)):
        tail.feed(chunk)
    assert tail.saw_error
    assert not tail.saw_done
    assert tail.error_code is ErrorCode.WORKER_LOST


@pytest.mark.parametrize(
    ("stream", "done", "error"),
    [
        (b"data:[DONE]\n\n", True, False),
        (b"data: [DONE]\r\n\r\n", True, False),
        (b"data: [DONE]\r\r", True, False),
        (b"data: [DONE]\n", False, False),
        (b"data: [DONE]", False, False),
        (b'data: {"text": "[DONE]"}\n\n', False, False),
        (b"data: x\ndata: [DONE] \n\n", False, False),
        (b": data: [DONE]\n\n", False, False),
        (b'data: {"text": "say \\"error\\": now"}\n\n', False, False),
        (b'data: { "error" : {"code": "other"}}\n\n', False, True),
        (b'data:{"error":"plain"}\n\n', False, True),
        (b'event: x\ndata: {"error": 1}\n\n', False, True),
    ],
)
def test_what_counts_as_done_and_as_an_error(stream, done, error):
    tail = SseTail()
    tail.feed(stream)
    assert (tail.saw_done, tail.saw_error) == (done, error)
    assert tail.error_code is None


def test_one_crlf_is_one_line_end():
    tail = SseTail()
    assert tail.feed(b"data: a\r\n") == b""
    assert tail.feed(b"data: b\r\n\r\n") == b"data: a\r\ndata: b\r\n\r\n"


def test_an_event_without_an_end_is_no_event_stream():
    tail = SseTail()
    tail.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(NotAnEventStreamError):
        tail.feed(b"x")
