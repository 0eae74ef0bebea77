"""The curl command of a job, really run: what arrives is what the sender writes, but for what Booper or curl adds."""

import json
import os
import shutil
import subprocess

import pytest

from api.dashboard.curl import MAX_ARGUMENT_BYTES, curl
from api.dashboard.pages.job import curl_of
from models.jobs.job_kinds import ALERT, CALLBACK, CHANNEL, EVENT, GROUP, REQUEST
from models.rules.query_strings import with_query
from tests.support.browsers import Markup
from tests.support.rows import make_job
from tests.support.scripted_receivers import OK, ScriptedReceiver, answering
from workers.transport.wire_format import Request, target_of, to_wire

BINARY = bytes(range(256))
ADDED = ("user-agent", "accept", "accept-encoding")
curl_is_here = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@pytest.fixture
def receiver():
    started = ScriptedReceiver(answering(OK))
    yield started
    started.close()


@pytest.fixture
def arrived(receiver, tmp_path):
    """Run a command in a shell, all of whose connections end at the receiver; the request that arrived."""
    (tmp_path / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{receiver.port}"\nno-progress-meter\n')
    known = {"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def send(command, shell="sh"):
        subprocess.run([shell], input=command.encode(), env=known, check=True, capture_output=True, timeout=60)
        return parts(receiver.requests[-1])

    return send


def parts(request):
    """(request line, headers but for what sender and curl each add of their own, body)."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    pairs = [header.split(b": ", 1) if b": " in header else [header.rstrip(b":"), b""] for header in headers]
    return line, {name.lower(): value for name, value in pairs if name.decode().lower() not in ADDED}, body


def sent(args, body, content_type):
    headers = {**({"Content-Type": content_type} if content_type else {}), **args.get("headers", {})}
    url = with_query(args["url"], args.get("query"))
    request = Request(args["method"], url, headers, body, 1000)
    return parts(to_wire(request, target_of(request)))


@curl_is_here
@pytest.mark.parametrize(
    "url",
    [
        "http://bücher.example/straße?q=ä#zeichen",
        "http://BÜCHER.example:8080/%zz/../a//b;c?[d]{e}|^`\"'<>\\",
        "http://example.com?no=path",
        "http://example.com./a",
        "http://[2001:DB8::1]:81/x",
    ],
)
def test_the_address_is_that_which_the_sender_asks_for(arrived, url):
    args = {"method": "get", "url": url, "query": {"größe": "€ & more", "list": [1, None]}}
    assert arrived(curl(args, None, None)) == sent(args, None, None)


@curl_is_here
@pytest.mark.parametrize(
    "body",
    [
        *(b'{"a": "it\'s $HOME `id` !! \\\\ %s"}', '["ü€"]\n\n'.encode(), b"@/etc/passwd", b"", b"-x"),
        *(BINARY, b"a\0b", b"a\r\nb\n", b"\x1b[201~rm", b"\xff", b"\n", b"{\n\t1\t}", "\u202e' rm".encode()),
        *(b"x" * (MAX_ARGUMENT_BYTES + 1), "é".encode() * 150_000, BINARY * 4000),
    ],
    ids=lambda body: f"{len(body)} bytes {body[:8]!r}",
)
@pytest.mark.parametrize("method", ["post", "get"])
def test_a_body_of_any_bytes_and_length_arrives_as_it_is(arrived, method, body):
    args = {"method": method, "url": "http://example.com/"}
    line, headers, came = arrived(curl(args, body, "application/json"))
    assert came == body
    headers.pop(b"expect", None)  # curl's own, for a large body
    wanted = sent(args, body, "application/json")
    if method == "get":  # curl says how long a body is, whatever the method
        assert int(headers[b"content-length"]) == len(body)
    assert (line, headers) == wanted[:2]


@curl_is_here
@pytest.mark.parametrize("shell", [name for name in ("dash", "bash", "zsh", "busybox") if shutil.which(name)])
def test_headers_arrive_as_the_sender_writes_them_in_every_shell(arrived, shell):
    headers = {"X-Latin": "é\x85\xa0%d\\351 'quoted'", "X-Empty": "", "X-Plain": '@a $b `c` "d"', "X-Tab": "a\tb"}
    headers |= {"-v": "é", "X-History": "é !! !-1"}
    args = {"method": "put", "url": "http://example.com/", "headers": headers}
    assert arrived(curl(args, None, None), shell) == sent(args, None, None)


@curl_is_here
def test_a_body_without_a_type_is_given_none(arrived):
    args = {"method": "post", "url": "http://example.com/"}
    assert arrived(curl(args, b"a", None)) == sent(args, b"a", None)


@pytest.mark.parametrize("char", ["\t", "\x1b", "\x7f", "\u202e", "\u2066"])
def test_what_is_pasted_presses_no_key_and_reads_as_it_runs(char):
    command = curl({"url": "https://user@example.com/" + char}, f"a{char}b".encode(), None)
    assert char not in command
    assert "\t" not in curl({"url": "https://example.com/", "headers": {"X-Tab": "a\tb"}}, None, None)


def test_where_an_old_shell_would_look_into_its_history_there_is_nothing_to_find():
    command = curl({"url": "https://example.com/", "headers": {"X-History": "é!!"}}, None, None)
    assert "!" not in command


def test_a_url_that_would_be_refused_today_is_written_as_it_was_ordered():
    assert curl({"url": "https://user:pw@example.com/"}, None, None).endswith(" --url https://user:pw@example.com/")


def command_on(page):
    return page.split('id="curl"')[1].split(">", 1)[1].split("<")[0]


@pytest.mark.parametrize("body", [b"x" * 200_000, BINARY * 1000])
def test_a_long_command_is_cut_on_the_page_and_whole_beside_it(alice, body):
    job = make_job(alice.account, args='{"method":"post","url":"https://example.com/"}', body=body)
    page = alice.get(f"/jobs/{job.uuid}").text
    assert len(command_on(page)) < 6000
    assert len(page) < 60_000
    (whole,) = [
        attributes["href"]
        for tag, attributes in Markup(page).tags
        if tag == "a" and attributes["href"].endswith("/curl")
    ]
    (shown,) = [attributes for tag, attributes in Markup(page).tags if attributes.get("id") == "curl"]
    assert shown["data-whole"] == whole
    answer = alice.get(whole)
    assert answer.mimetype == "text/plain"
    assert answer.text == curl(json.loads(job.args), body, None)


def test_a_short_command_is_whole_on_the_page(alice):
    job = make_job(alice.account, args='{"method":"get","url":"https://bücher.example/ä"}')
    page = alice.get(f"/jobs/{job.uuid}").text
    assert command_on(page).endswith("--url https://xn--bcher-kva.example/%C3%A4")
    assert "data-whole" not in page


@pytest.mark.parametrize("kind", ["channel", "alert"])
def test_a_message_has_no_command_since_its_url_is_a_secret(alice, kind):
    job = make_job(alice.account, kind=kind, args='{"method":"post","url":"https://example.com/[redacted]"}')
    assert "curl command" not in alice.get(f"/jobs/{job.uuid}").text
    assert alice.get(f"/jobs/{job.uuid}/curl").status_code == 404


@pytest.mark.parametrize("kind", [ALERT, CHANNEL, GROUP])
def test_what_sends_no_request_of_its_owner_has_no_command(account, kind):
    """The addresses of alerts and channels are secrets, and a set sends nothing itself."""
    assert curl_of(make_job(account, kind=kind)) is None


@pytest.mark.parametrize("kind", [REQUEST, CALLBACK, EVENT])
def test_what_sends_a_request_has_a_command(account, kind):
    assert curl_of(make_job(account, kind=kind)).startswith("curl ")
