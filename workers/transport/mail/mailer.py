"""Sends e-mails by the operator's SMTP server, on threads of its own, since smtplib waits.

TLS is required unless the operator says otherwise: with `smtp://` the server has to offer STARTTLS, with `smtps://` TLS
comes first, `smtp+plain://` has none. No password goes out without TLS. Certificates are checked.
"""

import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import EmailMessage
from functools import cached_property
from urllib.parse import unquote, urlsplit

from workers.transport.dialer import client_context
from workers.transport.mail.exchange_limit import cut_after
from workers.transport.outcome import Answered, Outcome, Refused, Timings, Unreachable

THREADS = 2
TIMEOUT_S = 10.0  # of one step of the dialog
LONGEST_S = 20.0  # of all steps after the connect: a job that took longer than its lease would be sent again
TAKEN = 250
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


class Mailer:
    """`url`: of the server, as BOOPER_SMTP_URL has it; empty: there is none. `tls`: the certificates to trust; None:
    those of the system."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self._parts = urlsplit(url)
        self._given_tls = tls
        self._threads: ThreadPoolExecutor | None = None

    def submit(self, message: EmailMessage, done: Callable[[Outcome], None]) -> None:
        """Send the message soon, and call `done` once with what came of it."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")
        is_taken = threading.Lock()

        def run() -> None:
            if is_taken.acquire(blocking=False):
                done(self.send(message))

        try:
            self._threads.submit(run)
        except RuntimeError as error:
            # Without a thread for it the message is in the queue all the same, and a later thread would send it.
            if is_taken.acquire(blocking=False):
                done(Unreachable("connect", str(error), Timings()))

    def close(self) -> None:
        """Send nothing that has not begun."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def send(self, message: EmailMessage) -> Outcome:
        """What came of the message. What the server refuses for good is refused; all else may be tried again."""
        if not self._parts.hostname:
            return Refused("mail_refused", "this process has no BOOPER_SMTP_URL")
        began_s = time.monotonic()
        try:
            self._deliver(message)
            return Answered(TAKEN, [], b"", False, _timings(began_s))
        except smtplib.SMTPRecipientsRefused as error:
            return _of_reply(max(code for code, _ in error.recipients.values()), began_s)
        except smtplib.SMTPResponseException as error:
            return _of_reply(error.smtp_code, began_s)
        except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
            return Unreachable("tls", type(error).__name__, _timings(began_s))
        except TimeoutError as error:
            return Unreachable("timeout", type(error).__name__, _timings(began_s))
        except (OSError, smtplib.SMTPException) as error:
            return _of_break(error, began_s)
        except Exception as error:  # noqa: BLE001 - such as a password beyond ASCII; whoever waits must hear an end
            return Unreachable("protocol", type(error).__name__, _timings(began_s))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        if self._given_tls:
            return self._given_tls
        context = client_context()
        context.load_default_certs()
        return context

    def _deliver(self, message: EmailMessage) -> None:
        """Returns once the server has taken the message, whatever becomes of the connection afterwards."""
        server = self._connect()
        try:
            with cut_after(LONGEST_S, lambda: server.sock):
                if self._parts.scheme == "smtp":
                    server.starttls(context=self._tls)
                if self._parts.username:
                    server.login(unquote(self._parts.username), unquote(self._parts.password or ""))
                server.send_message(message)
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        host = str(self._parts.hostname)
        port = self._parts.port or PORTS[self._parts.scheme]
        if self._parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=self._tls)
        return smtplib.SMTP(host, port, timeout=TIMEOUT_S)


def _of_reply(code: int, began_s: float) -> Outcome:
    """A reply from 500 on is for good."""
    if code >= 500:
        return Refused("mail_refused", f"the mail server answered {code}")
    if code < 200:
        return Unreachable("protocol", f"the mail server answered {code}", _timings(began_s))
    return Answered(code, [], b"", False, _timings(began_s))


def _of_break(error: Exception, began_s: float) -> Outcome:
    """Of a silent server smtplib says that it disconnected."""
    if isinstance(error.__context__, TimeoutError):
        return Unreachable("timeout", "TimeoutError", _timings(began_s))
    return Unreachable("connect", type(error).__name__, _timings(began_s))


def _timings(began_s: float) -> Timings:
    return Timings(total_ms=(time.monotonic() - began_s) * 1000)
