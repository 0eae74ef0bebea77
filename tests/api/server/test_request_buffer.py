"""Where a request ends, byte by byte: what is complete is served, what can't be told is left to the parser."""

import io

import pytest

from api.server.request_buffer import IN_MEMORY, MAX_CHUNK_LINE, MAX_HEAD, MORE_THAN_TAKEN, RequestBuffer

GET = b"GET /api/jobs?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\n"
SIZED = POST + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhel\nl\r\n1\r\no\r\n0\r\nX-Trailer: 1\r\n\r\n"
WHOLE = [
    GET,
    POST + b"\r\n",
    POST + b"Content-Length: 0\r\n\r\n",
    SIZED,
    SIZED.replace(b"Length:", b"length:  "),
    CHUNKED,
]


def fed(data, size, max_body=1000):
    buffer = RequestBuffer(max_body)
    for at in range(0, len(data), size):
        assert not buffer.is_complete, f"complete before byte {at} of {len(data)}"
        buffer.feed(data[at : at + size])
    return buffer


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("request_bytes", WHOLE)
def test_a_request_is_complete_at_its_last_byte_however_it_arrives(request_bytes, size):
    buffer = fed(request_bytes, size)
    assert buffer.is_complete
    assert buffer.file().read() == request_bytes
    assert (buffer.rest, buffer.is_last) == (b"", False)


@pytest.mark.parametrize("request_bytes", WHOLE)
def test_what_comes_behind_a_request_is_the_next_one(request_bytes):
    buffer = RequestBuffer(1000)
    buffer.feed(request_bytes + b"GET / HTTP")
    assert buffer.file().read() == request_bytes
    assert buffer.rest == b"GET / HTTP"


@pytest.mark.parametrize(
    ("head", "path"), [(GET, b"/api/jobs"), (b"GET /healthz HTTP/1.1\r\n\r\n", b"/healthz"), (b"x\r\n\r\n", b"")]
)
def test_the_path_is_known_without_its_query(head, path):
    assert fed(head, 1000).path == path


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: -5",
        b"Content-Length: 5,5",
        b"Content-Length: 99999999999999999999999",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
    ],
)
def test_a_head_that_is_not_clear_is_left_to_the_parser(fields):
    buffer = fed(POST + fields + b"\r\n\r\n", 1000)
    assert (buffer.is_complete, buffer.is_last, buffer.has_head) == (True, True, True)


@pytest.mark.parametrize(
    "fields", [b"Content-Length: 99999999999999999999999", b"Transfer-Encoding: identity, chunked"]
)
def test_nothing_is_taken_for_a_request_behind_one_whose_end_is_not_known(fields):
    buffer = RequestBuffer(1000)
    buffer.feed(POST + fields + b"\r\n\r\n" + GET)
    assert (buffer.rest, buffer.is_last) == (b"", True)


@pytest.mark.parametrize(
    "chunks",
    [b"-5\r\n", b"x\r\n", b"\r\n", b"0x5\r\n", b"1" * 17 + b"\r\n", b"5" * 2000, b"5\n", b"0\r\nX: y\n"],
)
def test_a_malformed_chunk_is_left_to_the_parser(chunks):
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    buffer = RequestBuffer(1000)
    buffer.feed(head + chunks)
    assert (buffer.is_complete, buffer.is_last) == (True, True)
    assert buffer.file().read() == head + chunks


@pytest.mark.parametrize("line", [b" \r\n", b"\r\r\n"])
def test_only_an_empty_line_ends_the_trailer(line):
    buffer = RequestBuffer(1000)
    buffer.feed(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + line)
    assert not buffer.is_complete
    buffer.feed(b"\r\n")
    assert buffer.is_complete


@pytest.mark.parametrize("repeated", [b"X: y\r\n", b"1;" + b"x" * 1000 + b"\r\nx\r\n"])
def test_lines_around_chunks_without_end_are_passed_on(repeated):
    start = b"0\r\n" if repeated.startswith(b"X") else b""
    buffer = RequestBuffer(1000)
    buffer.feed(POST + b"Transfer-Encoding: chunked\r\n\r\n" + start + repeated * 100_000)
    assert (buffer.is_complete, buffer.is_last) == (True, True)


@pytest.mark.parametrize(("length", "is_passed_on"), [(MAX_CHUNK_LINE, False), (MAX_CHUNK_LINE + 1, True)])
def test_a_chunks_line_that_is_too_long_is_passed_on(length, is_passed_on):
    buffer = RequestBuffer(1000)
    buffer.feed(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;".ljust(length, b"x"))
    assert buffer.is_last == is_passed_on


def test_a_body_longer_than_the_app_takes_is_not_waited_for():
    buffer = fed(POST + b"Content-Length: 1001\r\n\r\n", 1000)
    assert (buffer.is_complete, buffer.is_last) == (True, True)
    assert not fed(POST + b"Content-Length: 1000\r\n\r\n", 1000).is_complete


def test_a_chunked_body_longer_than_the_app_takes_is_passed_on_when_that_shows():
    buffer = RequestBuffer(1000)
    buffer.feed(POST + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n")
    buffer.feed(b"20000\r\n" + b"x" * MORE_THAN_TAKEN)
    assert not buffer.is_complete
    buffer.feed(b"x" + GET)
    assert (buffer.is_complete, buffer.is_last, buffer.rest) == (True, True, b"")


@pytest.mark.parametrize("size", [1, 1000])
def test_a_body_in_chunks_of_any_size_is_taken_to_its_end(size):
    chunk = b"%x\r\n" % size + b"x" * size + b"\r\n"
    body = chunk * (100_000 // size) + b"0\r\n\r\n"
    buffer = RequestBuffer(100_000)
    buffer.feed(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + GET)
    assert (buffer.is_complete, buffer.is_last, buffer.rest) == (True, False, GET)


def test_a_head_without_end_is_too_large():
    buffer = RequestBuffer(1000)
    buffer.feed(b"x" * MAX_HEAD)
    assert not buffer.is_complete
    buffer.feed(b"x")
    assert (buffer.is_complete, buffer.has_head) == (True, False)


def test_a_client_that_waits_for_100_is_answered_by_us_and_not_again_by_the_parser():
    buffer = RequestBuffer(1000)
    buffer.feed(POST + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n")
    assert (buffer.expects_continue, buffer.is_complete) == (True, False)
    buffer.feed(b"hello")
    assert buffer.file().read() == SIZED


@pytest.mark.parametrize(
    "head", [POST.replace(b"1.1", b"1.0") + b"Content-Length: 5\r\n", POST + b"Content-Length: 1001\r\n", POST]
)
def test_nobody_is_asked_to_continue_who_can_not_or_need_not(head):
    assert not fed(head + b"Expect: 100-continue\r\n\r\n", 1000).expects_continue


def test_a_large_body_lies_on_the_disk():
    body = b"x" * (IN_MEMORY + 1)
    buffer = RequestBuffer(2 * IN_MEMORY)
    buffer.feed(POST + b"Content-Length: %d\r\n\r\n" % len(body))
    buffer.feed(body)
    file = buffer.file()
    assert not isinstance(file, io.BytesIO)
    assert file.read().endswith(body)
    buffer.close()
