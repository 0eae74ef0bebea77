"""The reader of answers by itself: however the bytes are divided, and wherever they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pieces import Pieces
from workers.transport.byte_reader import ByteReader
from workers.transport.outcome import Failed
from workers.transport.response_reader import read_body, read_head

ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
]


def read(pieces):
    incoming = ByteReader(Pieces(pieces))
    head = read_head(incoming)
    return head.status_code, read_body(incoming, "GET", head).kept, incoming.is_empty()


@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 120)))
def test_an_answer_reads_the_same_however_it_is_divided(answer, cuts):
    edges = [0, *sorted({cut for cut in cuts if cut < len(answer)}), len(answer)]
    pieces = [answer[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    assert read(pieces) == (200, b"hello", True)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_ends_anywhere_before_its_end_is_no_answer(answer):
    for end in range(len(answer)):
        with pytest.raises(Failed):
            read([answer[:end]])


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"HTTP/1.1 200 OK\r\n" + b))
def test_any_bytes_are_read_as_an_answer_or_fail_as_a_broken_one(data):
    try:
        status_code, _, _ = read([data])
    except Failed:
        return
    assert 200 <= status_code <= 599
