"""Checks the signs of life that the processes of an installation leave in the database."""

from collections.abc import Iterator

from booper.doctor.finding import NOTE, OK, WARNING, Finding, about
from models.database import schema
from models.database.connection import connection
from models.operations import heartbeats, ticker_row
from models.rules import clock
from runtime.version import __version__

processes_are = about("processes")
START = "Start `booper worker` (or `booper serve`); its log says why it ends."


def check_processes() -> Iterator[Finding]:
    """What was heard of the ticker and of processes that send."""
    now = clock.now()
    with connection():
        if schema.lacking():
            return
        alive = heartbeats.alive(heartbeats.workers(), now)
        silent_s = (now - ticker_row.seen_at()) / clock.SECOND
    if not alive:
        yield processes_are(
            WARNING, f"no process that sends was heard of for {heartbeats.ALIVE_US // clock.SECOND} s", START
        )
    elif silent_s > ticker_row.SILENT_S:
        yield processes_are(WARNING, f"no ticker was heard of for {ticker_row.SILENT_S} s", START)
    else:
        hosts = len({row.host for row in alive})
        yield processes_are(OK, f"{len(alive)} sending processes on {hosts} hosts, and a ticker")
    if others := sorted({row.version for row in alive} - {__version__}):
        text = f"processes of version {', '.join(others)} run beside this {__version__}"
        yield processes_are(NOTE, text, "Restart them when the upgrade is meant to be complete.")
