"""`booper listen`: brings requests of jobs to a server on this machine."""

import contextlib
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from booper_client.cli.listening.listening import WAIT_S, Heard, Listening
from booper_client.cli.listening.local_server import LocalServer
from booper_client.cli.output import printable
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.retries import Retries

NAME = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
ANSWER_LIMIT_S = 10.0


def own_name() -> str:
    """The name of this machine, as far as a listener may have it."""
    return re.sub("[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")[:32].strip("-") or "laptop"


def read_name(_ctx: click.Context, _param: click.Parameter, name: str | None) -> str:
    name = name or own_name()
    if not re.fullmatch(NAME, name):
        raise click.BadParameter(f"must be 1 to 32 lower-case letters, digits or hyphens, got {name!r}")
    return name


def read_server(_ctx: click.Context, _param: click.Parameter, url: str) -> LocalServer:
    try:
        return LocalServer(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("listen", short_help="Bring requests of jobs to a server on this machine.")
@click.option(
    "--to",
    "local",
    required=True,
    metavar="URL",
    callback=read_server,
    help="The server on this machine, such as http://localhost:3000.",
)
@click.option("--name", callback=read_name, help="NAME in the URLs of jobs; default: the name of this machine.")
@click.option("--at-once", type=click.IntRange(1, 50), default=10, show_default=True, help="Requests at the same time.")
@shared
def command(session: Session, local: LocalServer, name: str, at_once: int) -> None:
    """Bring the requests of jobs for listener://NAME/PATH to a server on this
    machine, until Ctrl-C, and its responses back to Booper.

    \b
    booper listen --to http://localhost:3000 --name laptop
    booper run post listener://laptop/hook -d a=1    # in another terminal

    No port has to be open. Only the server of --to is ever asked. With --json
    each request is a line.
    """
    lines = Lines(session)
    listening = Listening(
        name,
        local,
        session.another_client(Retries(attempts=1), WAIT_S + ANSWER_LIMIT_S),
        lines.report,
        lines.note,
        at_once,
    )
    try:
        with interruptible():
            lines.note(f"Requests for listener://{name}/ go to {local.url}/ until Ctrl-C.")
            listening.run()
    except KeyboardInterrupt:
        left = listening.end()
        lines.note(f"Ended; {left} requests had no answer yet and are tried again." if left else "Ended.")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM interrupt as Ctrl-C does; and SIGINT too where a shell that starts it in the background lets it
    ignore that."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


class Lines:
    """Prints whole lines, whichever thread they come from."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.RLock()  # Ctrl-C may come where this thread has just taken it

    def report(self, heard: Heard) -> None:
        with self._lock:
            click.echo(json.dumps(_members(heard)) if self._session.output.form == "json" else self._line(heard))
            self._session.output.close()

    def note(self, text: str) -> None:
        """To standard error: what is no request."""
        with self._lock:
            click.echo(text, err=True)

    def _line(self, heard: Heard) -> str:
        request, is_table = heard.request, self._session.output.form == "table"
        now = datetime.now(UTC)
        result = str(heard.answer.status or heard.answer.error)
        if is_table:
            now, result = now.astimezone(), click.style(result, fg=_color(heard))
        cells = [
            f"{now:%H:%M:%S}",
            f"{request.method:<6}",
            result,
            f"{heard.seconds * 1000:.0f} ms",
            printable(request.path),
        ]
        return "  ".join([*cells, *([f"({heard.fate})"] if heard.fate else [])])


def _color(heard: Heard) -> str:
    is_good = heard.answer.status is not None and heard.answer.status < 300 and not heard.fate
    return "green" if is_good else "red"


def _members(heard: Heard) -> dict[str, Any]:
    request, answer = heard.request, heard.answer
    return {
        "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "id": request.id,
        "job_id": request.job_id,
        "attempt": request.attempt,
        "method": request.method,
        "path": request.path,
        "status": answer.status,
        "error": answer.error,
        "ms": round(heard.seconds * 1000, 1),
        "accepted": not heard.fate,
    }
