"""B2 to B7: what targets answer, well and badly, and what is made of it."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from tests.support.scripted_receivers import OK, answering, answering_once
from workers.transport.answer_reader import AnswerReader
from workers.transport.content_codings import unpacked
from workers.transport.outcome import Answered, Timings, Unreachable
from workers.transport.wire_format import Request

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def sized(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)


GOOD = {
    "plain": (OK, 200, b"ok"),
    "no reason phrase": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok"),
    "no length, until the end": (b"HTTP/1.1 200 OK\r\n\r\nall", 200, b"all"),
    "HTTP/1.0": (b"HTTP/1.0 404 Not Found\r\n\r\nno", 404, b"no"),
    "chunks": (CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", 200, b"abcde"),
    "chunks with trailers": (CHUNKED + b"2\r\nab\r\n0\r\nX: y\r\n\r\n", 200, b"ab"),
    "100 first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
    "103 first": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
    "204 with a body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", 204, b""),
    "304 with a body": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", 304, b""),
    "204 and both lengths": (
        b"HTTP/1.1 204 x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        204,
        b"",
    ),
    "redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        302,
        b"",
    ),
    "redirect to a file": (
        b"HTTP/1.1 307 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        307,
        b"",
    ),
    "redirect to nowhere": (b"HTTP/1.1 301 x\r\nContent-Length: 0\r\n\r\n", 301, b""),
    "server error": (b"HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", 599, b""),
    "binary body": (sized(bytes(range(256))), 200, bytes(range(256))),
    "binary reason and header": (b"HTTP/1.1 200 \xff\xfe\r\nX: \xff\r\nContent-Length: 0\r\n\r\n", 200, b""),
}


@pytest.mark.parametrize("case", GOOD)
def test_b5_a_whole_answer_is_an_answer_however_plain(receiver, send, case):
    answer, status_code, body = GOOD[case]
    answered = send(receiver(answering_once(answer)).url())
    assert isinstance(answered, Answered), answered
    assert (answered.status_code, answered.body, answered.truncated) == (status_code, body, False)


BAD = {
    "empty reply": (b"", "reset"),
    "cut in the status line": (b"HTTP/1.1 20", "reset"),
    "only 100": (b"HTTP/1.1 100 Continue\r\n\r\n", "reset"),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "protocol"),
    "000": (b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "99": (b"HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "1000": (b"HTTP/1.1 1000 x\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "ABC": (b"HTTP/1.1 ABC x\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "+20": (b"HTTP/1.1 +20 x\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "Arabic digits": ("HTTP/1.1 ٢٠٠ x\r\n\r\n".encode(), "protocol"),
    "HTTP/2": (b"HTTP/2 200 OK\r\n\r\n", "protocol"),
    "HTTP/0.9": (b"<html>hello</html>", "protocol"),
    "a mail server": (b"220 mail.example ESMTP\r\n", "protocol"),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
    "body of an interim answer": (b"HTTP/1.1 100 x\r\nContent-Length: 2\r\n\r\nno" + OK, "protocol"),
    "B4 status line of 70 KB": (b"HTTP/1.1 200 " + b"y" * 70_000, "protocol"),
    "100 flood": (b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, "protocol"),
    "HTTP/2.0": (b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "RTSP": (b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "protocol"),
    "RTSP after 100": (b"HTTP/1.1 100 x\r\n\r\nRTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "protocol"),
}


@pytest.mark.parametrize("case", BAD)
def test_b5_a_broken_answer_is_no_answer(receiver, send, case):
    answer, reason = BAD[case]
    unreachable = send(receiver(answering_once(answer)).url())
    assert isinstance(unreachable, Unreachable), unreachable
    assert unreachable.reason == reason


WHOLE, TRUNCATED, UNREADABLE = (False, False), (True, False), (True, True)
ODD = {
    "cut after the status line": (b"HTTP/1.1 200 OK\r\n", TRUNCATED),
    "cut in the headers": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", TRUNCATED),
    "cut in a header line": (b"HTTP/1.1 200 OK\r\nContent-Le", TRUNCATED),
    "cut in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", TRUNCATED),
    "cut in a chunk": (CHUNKED + b"5\r\nab", TRUNCATED),
    "cut between chunks": (CHUNKED + b"2\r\nab\r\n", TRUNCATED),
    "cut in the trailers": (CHUNKED + b"0\r\nX: y\r\n", TRUNCATED),
    "999": (b"HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", WHOLE),
    "negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", UNREADABLE),
    "signed length": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", UNREADABLE),
    "underscored length": (b"HTTP/1.1 200 OK\r\nContent-Length: 0_2\r\n\r\nok", UNREADABLE),
    "empty length": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", UNREADABLE),
    "huge length": (b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\nok" % (b"9" * 5000), UNREADABLE),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", UNREADABLE),
    "length and chunked": (CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n0\r\n\r\n", UNREADABLE),
    "unknown coding": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", UNREADABLE),
    "chunked in HTTP/1.0": (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", UNREADABLE),
    "bad chunk size": (CHUNKED + b"zz\r\nab\r\n", UNREADABLE),
    "negative chunk size": (CHUNKED + b"-2\r\nab\r\n0\r\n\r\n", UNREADABLE),
    "0x chunk size": (CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n", UNREADABLE),
    "chunk longer than its size": (CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n", UNREADABLE),
    "endless chunk line": (CHUNKED + b"2;" + b"x" * 5000, TRUNCATED),
    "header without colon": (b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "header without name": (b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "space before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", UNREADABLE),
    "tab before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\nok", UNREADABLE),
    "space in a header's name": (b"HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "control in a header's name": (b"HTTP/1.1 200 OK\r\nX\x01: z\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "letter beyond ASCII in a name": (b"HTTP/1.1 200 OK\r\nX\xe4: z\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "fold of the status line": (b"HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok", UNREADABLE),
    "no-break space in a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\xa0\r\n\r\nok", UNREADABLE),
    "vertical tab in a coding": (CHUNKED[:-11] + b"\x0bchunked\r\n\r\n0\r\n\r\n", UNREADABLE),
    "hexadecimal length": (b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", UNREADABLE),
    "two negative lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\nContent-Length: -2\r\n\r\nok", UNREADABLE),
    "chunked twice": (CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", UNREADABLE),
    "bare CR in a chunk's line": (CHUNKED + b"2;a\rb\r\nok\r\n0\r\n\r\n", UNREADABLE),
    "chunk extension below the limit": (CHUNKED + b"2;" + b"x" * 1_000_000 + b"\r\nok\r\n0\r\n\r\n", WHOLE),
    "chunk extension beyond it": (CHUNKED + b"2;" + b"x" * 2_000_000 + b"\r\nok\r\n0\r\n\r\n", TRUNCATED),
    "bare CR in a header": (b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n", UNREADABLE),
    "NUL in a header": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", UNREADABLE),
    "B4 200 headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", UNREADABLE),
    "B4 header of 70 KB": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", UNREADABLE),
    "the same length twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", UNREADABLE),
}


@pytest.mark.parametrize("case", ODD)
def test_t2_a_status_that_was_read_counts_whatever_is_odd_behind_it(receiver, transport, case):
    """Each was performed again, twenty times by default, although the target had said that it was done."""
    answer, marks = ODD[case]
    target, sender = receiver(answering_once(answer)), transport()

    answered = sender.send(Request("GET", target.url(), {}, None, 5000))

    assert isinstance(answered, Answered), answered
    assert answered.status_code == int(answer[9:12])
    assert (answered.truncated, answered.unreadable) == marks


@pytest.mark.parametrize("case", [name for name, (_, marks) in ODD.items() if marks == UNREADABLE])
def test_t2_a_connection_whose_framing_was_odd_is_not_used_again(receiver, transport, case):
    target, sender = receiver(answering(ODD[case][0])), transport()
    for _ in range(2):
        sender.send(Request("GET", target.url(), {}, None, 5000))
    assert len(target.connections) == 2


@pytest.mark.parametrize("status", [429, 503, 500])
def test_t2_a_refusal_behind_which_the_connection_breaks_keeps_its_headers(receiver, send, status):
    cut = b"HTTP/1.1 %d x\r\nRetry-After: 9\r\nContent-Length: 99\r\n\r\nwait" % status
    answered = send(receiver(answering_once(cut)).url())
    assert (answered.status_code, answered.body, answered.truncated) == (status, b"wait", True)
    assert ("Retry-After", "9") in answered.headers


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20"])
def test_b5_a_reset_before_the_status_is_no_answer(receiver, send, answer):
    unreachable = send(receiver(answering_once(answer, reset=True)).url())
    assert (type(unreachable), unreachable.reason) == (Unreachable, "reset")


def test_b5_a_reset_behind_the_status_cuts_the_body(receiver, send):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"
    answered = send(receiver(answering_once(answer, reset=True)).url())
    assert (answered.status_code, answered.truncated) == (200, True)


def test_b5_a_head_has_no_body_whatever_its_length_says(receiver, send):
    answered = send(receiver(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")).url(), method="HEAD")
    assert (answered.status_code, answered.body) == (200, b"")


def test_headers_are_kept_in_order_with_repeats_and_folds_joined(receiver, send):
    answered = send(receiver(answering(sized(b"", b"Set-Cookie: a\r\nset-cookie:b \r\nX-F: c\r\n  d\r\n"))).url())
    assert answered.headers[:3] == [("Set-Cookie", "a"), ("set-cookie", "b"), ("X-F", "c d")]


@pytest.mark.parametrize(
    ("size", "kept", "truncated"), [(65536, 65536, False), (65537, 65536, True), (900_000, 65536, True)]
)
def test_b2_sixty_four_kibibytes_of_a_body_are_kept(receiver, send, size, kept, truncated):
    answered = send(receiver(answering(sized(b"x" * size))).url())
    assert (len(answered.body), answered.truncated) == (kept, truncated)


ENDLESS = {
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n",
    "sized": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
    "one chunk": CHUNKED + b"fffffffffff\r\n",
}


@pytest.mark.parametrize("case", ENDLESS)
def test_b2_an_endless_body_is_left_after_a_mebibyte(receiver, send, case):
    sent = []

    def endless(conn, receiver):
        conn.recv(65536)
        conn.sendall(ENDLESS[case])
        while True:
            conn.sendall(b"x" * 65536)
            sent.append(65536)

    answered = send(receiver(endless).url())

    assert (answered.status_code, len(answered.body), answered.truncated) == (200, 65536, True)


def test_b2_endless_small_chunks_are_left_before_they_cost_much(receiver, send):
    answered = send(receiver(answering_once(CHUNKED + b"1\r\nx\r\n" * 300_000)).url())
    assert (answered.status_code, answered.truncated) == (200, True)
    assert 10_000 < len(answered.body) < 20_000


def test_b2_endless_small_trailers_are_left_before_they_cost_much():
    reader, pieces = AnswerReader(), 0
    reader.expect("GET")
    reader.feed(CHUNKED + b"0\r\n")

    while not reader.feed(b"a: b\r\n" * 5_000):
        pieces += 1

    assert pieces < 5
    assert (reader.answer(Timings()).truncated, reader.leaves_open) == (True, False)


@pytest.mark.parametrize(("size", "truncated"), [(5, False), (65_536, False), (65_537, True), (50_000_000, True)])
def test_t12_of_a_body_that_is_compressed_unasked_the_beginning_is_unpacked(receiver, send, size, truncated):
    """The log showed replacement characters, and a schedule lost its $set."""
    packed = sized(gzip.compress(b"a" * size, mtime=0), b"Content-Encoding: gzip\r\n")
    answered = send(receiver(answering(packed)).url())
    assert (answered.body, answered.truncated) == (b"a" * min(size, 65_536), truncated)


@pytest.mark.parametrize(
    ("coding", "compress"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)],
)
def test_t12_a_body_is_unpacked_by_each_name_of_its_coding(receiver, send, coding, compress):
    packed = sized(compress(b"plain"), f"Content-Encoding: {coding}\r\n".encode())
    answered = send(receiver(answering(packed)).url())
    assert (answered.body, answered.truncated) == (b"plain", False)


@pytest.mark.parametrize("kept_bytes", [1024, 200_000])
@pytest.mark.parametrize("coding", [b"", b"gzip"])
def test_as_much_of_a_body_is_kept_as_the_operator_says(receiver, send, kept_bytes, coding):
    for size, truncated in ((kept_bytes, False), (kept_bytes + 1, True)):
        body = bytes(range(256)) * (size // 256 + 1)
        packed = gzip.compress(body[:size], mtime=0) if coding else body[:size]
        head = b"Content-Encoding: gzip\r\n" if coding else b""

        answered = send(receiver(answering(sized(packed, head))).url(), kept_bytes=kept_bytes)

        assert (answered.body, answered.truncated) == (body[: min(size, kept_bytes)], truncated)


@pytest.mark.parametrize(
    ("coding", "body"),
    [("br", b"\x0b\x02\x80ok\x03"), ("gzip", b"ok"), ("deflate", b"ok"), ("gzip", b""), ("gzip, gzip", b"ok")],
)
def test_t12_a_body_that_can_not_be_unpacked_stays_as_it_came(receiver, send, coding, body):
    answered = send(receiver(answering(sized(body, f"Content-Encoding: {coding}\r\n".encode()))).url())
    assert (answered.body, answered.truncated) == (body, False)


def test_t12_of_a_body_that_grows_a_thousandfold_no_more_than_is_kept_is_in_memory():
    packed = Answered(200, [("Content-Encoding", "gzip")], gzip.compress(bytes(30_000_000), 1), False, Timings())
    tracemalloc.start()

    answered = unpacked(packed, 65_536)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(answered.body), answered.truncated) == (65_536, True)
    assert peak < 1_000_000


def test_t12_a_body_of_which_more_was_to_come_stays_marked_although_what_came_can_be_unpacked():
    packed = Answered(200, [("Content-Encoding", "gzip")], gzip.compress(b"ok", mtime=0), True, Timings())
    assert (unpacked(packed, 1000).body, unpacked(packed, 1000).truncated) == (b"ok", True)


def test_t12_a_compressed_body_that_breaks_off_is_unpacked_as_far_as_it_came(receiver, send):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    packed = gzip.compress(bytes(range(256)) * 40, mtime=0)
    answered = send(receiver(answering_once(head + packed[:-20])).url())
    assert (answered.body[:256], answered.truncated) == (bytes(range(256)), True)


TWO_MEMBERS = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)


@pytest.mark.parametrize(
    ("packed", "body", "truncated"),
    [
        (TWO_MEMBERS, b"one two", False),
        (TWO_MEMBERS[:-9], b"one two", True),
        (TWO_MEMBERS + b"junk", b"one two", True),
        (gzip.compress(b"", mtime=0) * 99 + gzip.compress(b"end", mtime=0), b"end", False),
        (gzip.compress(b"", mtime=0) * 100 + gzip.compress(b"end", mtime=0), b"", True),
        (gzip.compress(b"a" * 65_536, mtime=0) + gzip.compress(b"b", mtime=0), b"a" * 65_536, True),
    ],
)
def test_t12_of_a_body_of_several_gzip_members_each_is_unpacked(receiver, send, packed, body, truncated):
    answered = send(receiver(answering(sized(packed, b"Content-Encoding: gzip\r\n"))).url())
    assert (answered.body, answered.truncated) == (body, truncated)


def test_t12_a_text_that_is_cut_inside_a_character_is_a_text(receiver, send):
    answered = send(receiver(answering(sized(b"a" + "é".encode() * 40_000))).url())
    assert answered.text() == "a" + "é" * 32_767


def test_b5_an_early_answer_to_an_unread_body_is_heard(receiver, send):
    """An early answer to a body that is not taken is heard."""

    def early(conn, receiver):
        conn.recv(1024)
        conn.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        conn.shutdown(1)
        while conn.recv(65536):
            pass

    assert send(receiver(early).url(), method="POST", body=b"x" * 2_000_000).status_code == 413


def test_b7_no_reason_holds_what_was_sent_or_received(receiver, send):
    echo = b"HTTP/1.1 canary\r\n\r\n"
    unreachable = send(receiver(answering_once(echo)).url("/p?key=canary"), headers={"Authorization": "canary"})
    assert "canary" not in json.dumps([unreachable.reason, unreachable.detail])


def test_timings_say_how_long_each_phase_took_and_nothing_of_phases_not_needed(receiver, transport):
    sender, target = transport(), receiver(answering(OK))
    first, again = (sender.send(Request("GET", target.url(), {}, None, 5000)).timings for _ in range(2))
    assert 0 < first.connect_ms <= first.first_byte_ms <= first.total_ms
    assert (first.dns_ms, first.tls_ms, again.connect_ms) == (None, None, None)
    assert 0 < again.first_byte_ms <= again.total_ms
