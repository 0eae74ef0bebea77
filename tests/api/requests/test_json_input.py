"""What is JSON and what is not: the classes of bad input, which get 400 or 422 and never worse."""

import json

import pytest

from api.requests.reading import strict_json
from tests.support.api_client import FORM, URL, errors_of, one_database

NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"{]",
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"[1]]",
    b"[1]x",
    b"{}{}",
    b'{"a":1,}',
    b'{,"a":1}',
    b'{"a" 1}',
    b'{"a":}',
    b"{a:1}",
    b"{'a':1}",
    b'{"a":1 "b":2}',
    b'{"a":1,,"b":2}',
    b"{1:1}",
    b'{"a":1}/**/',
    b'{"a":1}#',
    b'"\t"',
    b'"\x00"',
    b'"\n"',
    b'"unclosed',
    b'"\\',
    b'"\\x41"',
    b'"\\u00G0"',
    b'"\\u00"',
    b"NaN",
    b"[NaN]",
    b"[Infinity]",
    b"[-Infinity]",
    b'{"a":NaN}',
    b"[1e400]",
    b"[-1e999]",
    b'{"a":1e400}',
    b"[01]",
    b"[-01]",
    b"[1.]",
    b"[.5]",
    b"[+1]",
    b"[1e]",
    b"[0x1]",
    b"[1_000]",
    b"[--1]",
    b"[\xef\xbc\x91]",
    b"[" + b"1" * 4301 + b"]",
    b"nul",
    b"True",
    b"[tru]",
    b"\xe9",
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    "{}".encode("utf-16"),
    "{}".encode("utf-16-le"),
    "{}".encode("utf-32"),
    b"\x0c[]",
    b"[\xc2\xa0]",
    b"[" * 100_000,
    b'[{"":' * 50_000,
    b"[" * 2_000 + b'"' + b'\\"' * 50_000,
    b"<a/>",
    b"a=b",
]

JSON = [
    (b"[]", []),
    (b" \t\r\n{} ", {}),
    (b"{}", {}),
    (b'{"a":{}, "":[]}', {"a": {}, "": []}),
    (b"null", None),
    (b"false", False),
    (b'""', ""),
    (b'"\\ud83d\\ude00"', "😀"),
    (b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    ('"\u2028é\ufeff"'.encode(), "\u2028é\ufeff"),
    (b'"\x7f"', "\x7f"),
    (b"[-0, -0.0, 1E2, 1e-400]", [0, -0.0, 100.0, 0.0]),
    (b"[" + b"1" * 4300 + b"]", [int("1" * 4300)]),
    (b"[" * 64 + b"]" * 64, None),
    (b'{"a":{"b":[1,{"c":null}]}}', {"a": {"b": [1, {"c": None}]}}),
]

# Before its place is known Python's reader gives up, or reads it all: that depends on the version of Python.
TOO_DEEP = None

UNSTORABLE = [
    (b'{"x":"\\u0000"}', "x"),
    (b'{"x":"\\ud800"}', "x"),
    (b'{"x":"\\udc00\\ud800"}', "x"),
    (b'{"x":["a",{"y":"\\uDFFF"}]}', "x.1.y"),
    (b'{"\\u0000":1}', ""),
    (b'{"x":{"\\ud800":1}}', "x"),
    (b'"\\u0000"', ""),
    (b"[" * 65 + b"]" * 65, "0" + ".0" * 63),
    (b'{"x":' * 66 + b"1" + b"}" * 66, "x" + ".x" * 63),
    (b"[" * 100_000 + b"]" * 100_000, TOO_DEEP),
    (b'[{"a":' * 30_000 + b"1" + b"}]" * 30_000, TOO_DEEP),
]


def shortened(value):
    return str(value)[:30]


@pytest.mark.parametrize("text", NOT_JSON, ids=shortened)
def test_what_is_not_json_is_400(bare, text):
    answer = bare.post("/api/echo", data=text, content_type="application/json")
    assert errors_of(answer, 400) == {}
    assert answer.json["error"]["code"] == "invalid_json"
    assert answer.json["error"]["message"].startswith("The body must be JSON")


@pytest.mark.parametrize(("text", "value"), JSON, ids=shortened)
def test_what_is_json_comes_back(bare, text, value):
    answer = bare.post("/api/echo", data=text, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json == (value if value is not None else json.loads(text))


@pytest.mark.parametrize(("text", "path"), UNSTORABLE, ids=shortened)
def test_json_that_can_not_be_kept_is_422_at_its_place(bare, text, path):
    answer = bare.post("/api/echo", data=text, content_type="application/json")
    [place] = errors_of(answer)
    assert place == path or (path is TOO_DEEP and (not place or place.count(".") == strict_json.MAX_DEPTH - 1))


@one_database
@pytest.mark.parametrize(
    ("text", "kind"), [(b"[]", "a list"), (b"null", "null"), (b'"x"', "a string"), (b"1", "a number")]
)
def test_a_body_that_is_no_object_is_422(client, text, kind):
    errors = errors_of(client.post("/api/jobs", data=text, content_type="application/json"))
    assert errors == {"": [f"must be a JSON object, got {kind}"]}


@one_database
def test_a_field_sent_twice_is_refused(client):
    text = b'{"url":"https://a.example/","headers":{},"url":"https://b.example/"}'
    errors = errors_of(client.post("/api/jobs", data=text, content_type="application/json"))
    assert errors == {"url": ["must be given once, got it several times"]}


@one_database
def test_h3_a_repeated_header_or_query_member_is_refused(client):
    """A header or query member given twice is refused and a body's member is not."""
    text = b'{"url":"https://a.example/","headers":{"X":"1","X":"1"},"query":{"a":1,"b":{"c":1},"a":2}}'
    errors = errors_of(client.post("/api/jobs", data=text, content_type="application/json"))
    assert set(errors) == {"headers.X", "query.a"}
    text = b'{"url":"https://a.example/","method":"post","body":{"a":1,"a":2},"headers":{"X":"1","Y":"1"}}'
    assert client.post("/api/jobs", data=text, content_type="application/json").status_code == 201


@one_database
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ('application/json;charset="UTF-8"', 201),
        ("application/vnd.api+json", 201),
        ("APPLICATION/JSON", 201),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin1", 415),
        ("application/json; charset=no\x01such", 415),
        ("text/plain", 415),
        ("text/html", 415),
        ("multipart/form-data; boundary=x", 415),
        ("multipart/form-data", 415),
        ("nonsense", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_the_content_type_decides_how_a_body_is_read(client, content_type, status):
    answer = client.post("/api/jobs", data=json.dumps({"url": URL}).encode(), content_type=content_type)
    assert answer.status_code == status
    if status == 415:
        assert answer.json["error"]["code"] == "unsupported_media_type"


def test_a_large_body_is_refused_before_it_is_read(client, settings):
    big = b"x" * (settings.max_body_bytes + 1)
    for content_type in ("application/json", FORM, "text/plain"):
        answer = client.post("/api/jobs", data=big, content_type=content_type)
        assert errors_of(answer, 413) == {}
        assert answer.json["error"]["code"] == "too_large"
    just_fits = b'{"url":"' + URL.encode() + b'"' + b" " * (settings.max_body_bytes - len(URL) - 10) + b"}"
    assert client.post("/api/jobs", data=just_fits, content_type="application/json").status_code == 201


class Endless:
    """A chunked body without a stated length: the server must stop reading by itself."""

    def __init__(self):
        self.sent_bytes = 0

    def read(self, size=-1):
        self.sent_bytes += 65536 if size < 0 else size
        assert self.sent_bytes < 5_000_000
        return b" " * (65536 if size < 0 else size)

    readline = read


@one_database
@pytest.mark.parametrize("path", ["/api/jobs", "/api/echo", "/api/broadcast"])
def test_a_body_without_stated_length_is_cut_off(client, path):
    body = {"wsgi.input": Endless(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = client.post(path, environ_overrides=body, content_type="application/json")
    assert errors_of(answer, 413) == {}


@one_database
@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "5, 5"])
def test_a_content_length_that_lies_is_never_worse_than_refused(client, length):
    answer = client.post("/api/jobs", environ_overrides={"CONTENT_LENGTH": length}, content_type="application/json")
    assert 400 <= answer.status_code < 500


def test_the_text_of_a_member_is_kept_exactly_as_written():
    document = strict_json.parse('{ "body" : {"a": 1.0 , "b":[ ] } ,"x":"y"}')
    assert document.texts == {"body": '{"a": 1.0 , "b":[ ] }', "x": '"y"'}
    assert document.value == {"body": {"a": 1.0, "b": []}, "x": "y"}


def test_the_number_of_reported_faults_is_limited():
    assert len(strict_json.faults(["\0"] * 1000)) == strict_json.MAX_FAULTS


class Broken:
    """A body whose chunks are none, as gunicorn tells it."""

    def read(self, size=-1):
        raise RuntimeError("InvalidChunkSize")

    readline = read


def test_a_body_that_breaks_off_is_400(bare):
    for path, content_type in (("/api/echo", "application/json"), ("/api/echo", "text/plain"), ("/api/echo", FORM)):
        body = {"wsgi.input": Broken(), "wsgi.input_terminated": True}
        answer = bare.post(path, environ_overrides=body, content_type=content_type)
        assert errors_of(answer, 400) == {}


def test_a_member_with_an_empty_name_is_no_list_to_be_parted():
    # The order in question: {"headers": {"": [1]}}, once taken for the list of a batch
    assert strict_json.parse('{"": [1, 2]}').value == {"": [1, 2]}


@one_database
@pytest.mark.parametrize(
    ("text", "headers", "status", "advice"),
    [
        # What curl sends with -d and without -H.
        (b'{"url":"https://a.example/"}', {"Content-Type": FORM}, 415, "Content-Type must be application/json for"),
        (b' [{"url":"https://a.example/"}]', {"Content-Type": FORM}, 415, "Content-Type must be application/json for"),
        (b"url=https://a.example/", {"Content-Type": "application/json"}, 400, f"Content-Type: {FORM}"),
        (b"body[content]=hi", {"Content-Type": "application/json"}, 400, f"Content-Type: {FORM}"),
        (b"", {"Content-Type": "application/json"}, 400, "got nothing"),
        (b" \r\n", {"Content-Type": "application/json"}, 400, "got nothing"),
        (b"'{url:1}'", {"Content-Type": "application/json"}, 400, "single quotes"),
        (b'{"url": }', {"Content-Type": "application/json"}, 400, "at line 1, column 9, got '}'"),
        (b'{"url": ', {"Content-Type": "application/json"}, 400, "got 'the end'"),
        (b"\x1f\x8b\x08", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, "uncompressed"),
        (b"\x1f\x8b\x08", {"Content-Type": FORM, "Content-Encoding": "br"}, 415, "uncompressed"),
        ('{"url":1}'.encode("utf-16"), {"Content-Type": "application/json"}, 400, "got UTF-16"),
        (b'{"url":"\xe4"}', {"Content-Type": "application/json"}, 400, "another encoding"),
        (b'{"url":1}', {}, 415, "got none"),
    ],
)
def test_a3_a_body_in_another_form_is_refused_with_what_to_do(client, text, headers, status, advice):
    answer = client.post("/api/jobs", data=text, headers=headers)

    errors_of(answer, status)
    assert advice in answer.json["error"]["message"]


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_a_body_that_is_said_to_be_uncompressed_is_read(bare, coding):
    answer = bare.post("/api/echo", data=b"{}", content_type="application/json", headers={"Content-Encoding": coding})

    assert answer.status_code == 200


@one_database
@pytest.mark.parametrize(("text", "content_type"), [(b'{"url":"%s"}', "application/json"), (b"url=%s", FORM)])
def test_a3_a_mark_of_byte_order_before_the_body_is_passed_over(client, text, content_type):
    answer = client.post("/api/jobs", data=b"\xef\xbb\xbf" + text % URL.encode(), content_type=content_type)

    assert answer.status_code == 201
    assert answer.json["data"]["args"]["url"] == URL
