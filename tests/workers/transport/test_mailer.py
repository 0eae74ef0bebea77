"""E-mails go out by the operator's server: with TLS unless the operator wants none, and each comes to one outcome."""

import asyncio
import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage

import pytest
import trustme

from tests.support.mail_servers import Mailbox, MailServer
from tests.support.scripted_receivers import ScriptedReceiver, not_reading
from tests.support.waiting import wait_until
from workers.transport.mail import mailer
from workers.transport.mail.mailer import Mailer
from workers.transport.outcome import Answered, Refused, Unreachable


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(authority):
    """Start a server of this mailbox; TLS: "starttls" or none."""
    started = []

    def start(mailbox, tls="starttls", name="127.0.0.1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        started.append(MailServer(mailbox, context if tls == "starttls" else None).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


class SilentMailbox(Mailbox):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd calls it so
        await asyncio.sleep(60)


def talking_forever(conn, receiver):
    conn.sendall(b"220 hello\r\n")
    while not receiver.closing.wait(0.02):
        conn.sendall(b"250-more\r\n")


def a_mail():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "booper@example.com", "ops@example.com", "Sicherung schlägt fehl"
    mail.set_content("Es läuft nicht.")
    return mail


def test_a_mail_goes_out_by_starttls_after_a_login(serve, trusting):
    server = serve(Mailbox())
    outcome = Mailer(f"smtp://alice%40a.example:p%40ss@127.0.0.1:{server.port}", trusting).send(a_mail())
    assert isinstance(outcome, Answered), outcome
    [mail] = server.mailbox.mails
    assert (mail["Subject"], mail.get_content().strip()) == ("Sicherung schlägt fehl", "Es läuft nicht.")
    assert server.mailbox.logins == [("alice@a.example", "p@ss")]


def test_a_server_without_starttls_gets_neither_mail_nor_password(serve, trusting):
    server = serve(Mailbox(), tls=None)
    outcome = Mailer(f"smtp://alice:p%40ss@127.0.0.1:{server.port}", trusting).send(a_mail())
    assert (type(outcome), outcome.reason) == (Unreachable, "tls")
    assert server.mailbox.mails == server.mailbox.logins == []


def test_a_server_whose_certificate_is_not_trusted_gets_nothing(serve):
    server = serve(Mailbox())
    outcome = Mailer(f"smtp://127.0.0.1:{server.port}").send(a_mail())
    assert (type(outcome), outcome.reason) == (Unreachable, "tls")
    assert server.mailbox.mails == []


def test_a_certificate_of_another_name_is_not_trusted(serve, trusting):
    server = serve(Mailbox(), name="mail.example")
    assert Mailer(f"smtp://127.0.0.1:{server.port}", trusting).send(a_mail()).reason == "tls"
    assert server.mailbox.mails == []


def test_an_operator_may_want_no_tls(serve):
    server = serve(Mailbox(), tls=None)
    assert isinstance(Mailer(f"smtp+plain://127.0.0.1:{server.port}").send(a_mail()), Answered)
    assert len(server.mailbox.mails) == 1


def test_what_the_server_refuses_for_good_is_refused(serve, trusting):
    server = serve(Mailbox("550 no such user"))
    outcome = Mailer(f"smtp://127.0.0.1:{server.port}", trusting).send(a_mail())
    assert (type(outcome), outcome.reason) == (Refused, "mail_refused")


def test_what_the_server_refuses_for_now_is_an_answer_that_may_be_tried_again(serve, trusting):
    server = serve(Mailbox("451 try again later"))
    outcome = Mailer(f"smtp://127.0.0.1:{server.port}", trusting).send(a_mail())
    assert (type(outcome), outcome.status_code) == (Answered, 451)


def test_a_wrong_password_is_refused(serve, trusting):
    server = serve(Mailbox())
    outcome = Mailer(f"smtp://alice:wrong@127.0.0.1:{server.port}", trusting).send(a_mail())
    assert (type(outcome), outcome.reason) == (Refused, "mail_refused")
    assert server.mailbox.mails == []


def test_a_server_that_is_away_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = Mailer(f"smtp+plain://127.0.0.1:{port}").send(a_mail())
    assert (type(outcome), outcome.reason) == (Unreachable, "connect")


def test_a_server_that_accepts_and_stays_silent_has_a_limit(monkeypatch):
    monkeypatch.setattr(mailer, "TIMEOUT_S", 0.2)
    server = ScriptedReceiver(not_reading)
    try:
        outcome = Mailer(f"smtp+plain://127.0.0.1:{server.port}").send(a_mail())
    finally:
        server.close()
    assert (type(outcome), outcome.reason) == (Unreachable, "timeout")


def test_a_server_that_takes_a_mail_and_stays_silent_has_a_limit(serve, monkeypatch):
    monkeypatch.setattr(mailer, "TIMEOUT_S", 0.2)
    server = serve(SilentMailbox(), tls=None)
    outcome = Mailer(f"smtp+plain://127.0.0.1:{server.port}").send(a_mail())
    assert (type(outcome), outcome.reason) == (Unreachable, "timeout")


def test_a_server_that_never_ends_its_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(mailer, "LONGEST_S", 0.3)
    server = ScriptedReceiver(talking_forever)
    try:
        outcome = Mailer(f"smtp+plain://127.0.0.1:{server.port}").send(a_mail())
    finally:
        server.close()
    assert (type(outcome), outcome.reason) == (Unreachable, "connect")


def test_no_key_of_a_session_is_written_down(serve, authority, tmp_path, monkeypatch):
    with authority.cert_pem.tempfile() as ca_file:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        server = serve(Mailbox())
        assert isinstance(Mailer(f"smtp://127.0.0.1:{server.port}").send(a_mail()), Answered)
    assert not (tmp_path / "keys").exists()


def test_without_a_server_a_mail_is_refused():
    assert Mailer("").send(a_mail()).reason == "mail_refused"


def test_a_password_that_smtp_cannot_carry_is_an_outcome_too(serve, trusting):
    server = serve(Mailbox())
    outcomes = []
    sender = Mailer(f"smtp://alice:p%C3%A4ss@127.0.0.1:{server.port}", trusting)
    sender.submit(a_mail(), outcomes.append)
    wait_until(lambda: outcomes)
    assert outcomes == [Unreachable("protocol", "UnicodeEncodeError", outcomes[0].timings)]
    assert server.mailbox.mails == []


@pytest.fixture
def no_threads(monkeypatch):
    """While its list has names, the system starts no thread whose name begins with the first."""
    refused, start = [], threading.Thread.start

    def started(thread):
        if refused and thread.name.startswith(refused[0]):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    return refused


def test_a_mail_for_which_there_is_no_thread_fails_once_and_is_not_sent_later(serve, no_threads):
    """It was told as refused for good, and sent by the thread of the next mail: its slot was put back twice."""
    server, outcomes = serve(Mailbox(), tls=None), []
    mailer_of_server = Mailer(f"smtp+plain://127.0.0.1:{server.port}")
    no_threads.append("mail")
    mailer_of_server.submit(a_mail(), outcomes.append)
    no_threads.clear()

    mailer_of_server.submit(a_mail(), outcomes.append)

    wait_until(lambda: len(outcomes) == 2)
    mailer_of_server.close()
    assert [(type(outcome), len(server.mailbox.mails)) for outcome in outcomes] == [(Unreachable, 1), (Answered, 1)]


def test_a_mail_whose_time_can_not_be_limited_has_an_outcome(serve, no_threads):
    """Nothing was told of it, and its slot was never put back."""
    server = serve(Mailbox(), tls=None)
    no_threads.append("Thread-")

    outcome = Mailer(f"smtp+plain://127.0.0.1:{server.port}").send(a_mail())

    assert (type(outcome), outcome.reason) == (Unreachable, "protocol")
    assert server.mailbox.mails == []


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://mail.example", 587),
        ("smtps://mail.example", 465),
        ("smtp+plain://mail.example", 25),
        ("smtps://mail.example:2465", 2465),
    ],
)
def test_a_server_is_asked_at_the_port_of_its_url_or_at_the_usual_one(monkeypatch, url, port):
    addresses = []

    def refuse(host, port, **_):
        addresses.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(smtplib, "SMTP", refuse)
    monkeypatch.setattr(smtplib, "SMTP_SSL", refuse)
    Mailer(url).send(EmailMessage())
    assert addresses == [("mail.example", port)]


def test_a_mailer_that_is_closed_sends_nothing_that_waits(monkeypatch):
    begun, may_end = threading.Semaphore(0), threading.Event()

    def send(_mailer, message):
        begun.release()
        assert may_end.wait(60)
        return message

    monkeypatch.setattr(Mailer, "send", send)
    closed, outcomes = Mailer("smtp://127.0.0.1:9"), []
    for number in range(mailer.THREADS + 2):
        closed.submit(number, outcomes.append)
    for _ in range(mailer.THREADS):
        assert begun.acquire(timeout=60)

    closed.close()
    may_end.set()
    closed._threads.shutdown(wait=True)

    assert sorted(outcomes) == list(range(mailer.THREADS))
