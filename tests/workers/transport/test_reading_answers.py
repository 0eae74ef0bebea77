"""The reader of answers by itself: however the bytes are divided, and wherever they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.transport.answer_reader import MAX_BODY_KEPT_BYTES, MAX_HEADERS, AnswerReader
from workers.transport.outcome import Failed, Timings

ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n c\r\n\td\r\n\r\nhello",
]


def read(pieces):
    """The reader after these pieces and a proper end of the connection."""
    reader = AnswerReader()
    reader.expect("GET")
    if not any(reader.feed(piece) for piece in pieces if piece):
        reader.end(properly=True)
    return reader


def answer_of(reader):
    return reader.answer(Timings())


@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 120)))
def test_an_answer_reads_the_same_however_it_is_divided(answer, cuts):
    edges = [0, *sorted({cut for cut in cuts if cut < len(answer)}), len(answer)]
    reader = read([answer[start:end] for start, end in zip(edges, edges[1:], strict=False)])
    answered = answer_of(reader)
    assert (answered.status_code, answered.body) == (200, b"hello")
    assert (answered.truncated, answered.unreadable) == (False, False)
    assert reader.leaves_open


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_ends_before_its_end_is_known_for_cut_from_its_status_on(answer):
    status_is_whole_from = answer.index(b"\n", answer.index(b"200")) + 1
    for end in range(len(answer)):
        reader = read([answer[:end]])
        assert not reader.leaves_open
        if end < status_is_whole_from:
            assert answer_of(reader) is None
        else:
            assert (answer_of(reader).status_code, answer_of(reader).truncated) == (200, True)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"HTTP/1.1 200 OK\r\n" + b))
def test_any_bytes_are_an_answer_or_a_broken_one(data):
    """Any bytes are read as an answer or fail as a broken one."""
    try:
        answer = answer_of(read([data]))
    except Failed:
        return
    assert answer is None or 200 <= answer.status_code <= 999


@given(st.sampled_from(ANSWERS), st.binary(min_size=1, max_size=20).filter(lambda b: b.strip(b"\r\n")))
def test_what_comes_behind_an_answer_is_noticed(answer, excess):
    reader = AnswerReader()
    reader.expect("GET")
    assert reader.feed(answer + excess)
    assert not reader.leaves_open


def answered_with(headers=0, body=b""):
    lines = b"X: y\r\n" * headers
    return answer_of(read([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body) + lines + b"\r\n", body]))


@pytest.mark.parametrize("beyond", [0, 1])
def test_an_answer_has_as_many_headers_as_are_kept_and_no_more(beyond):
    answer = answered_with(headers=MAX_HEADERS - 1 + beyond)

    assert (len(answer.headers), answer.unreadable) == (MAX_HEADERS, bool(beyond))


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_body_is_whole_up_to_what_is_kept_and_cut_beyond(beyond):
    answer = answered_with(body=b"x" * (MAX_BODY_KEPT_BYTES + beyond))

    assert (len(answer.body), answer.truncated) == (MAX_BODY_KEPT_BYTES, bool(beyond))
