"""Says what is wrong with this installation, from the rows that its processes write.

What the rows cannot say, an outside monitor has to watch: see docs/operating.md.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from models.alerts.conditions import BACKLOG, BROKER, DISK, MAIL, SENDERS, TICKER, WORKER
from models.alerts.messages import duration
from models.alerts.ways import EMAIL
from models.database.sql import fetch
from models.jobs import staging
from models.jobs.states import WAITING_SQL
from models.operations import heartbeats, ticker_row
from models.operations.heartbeats import WorkerRow
from models.rules.clock import MINUTE, SECOND

MIB = 1 << 20
LITTLE_ROOM = 1024 * MIB
AFTER_US = MINUTE  # a process that is restarted is back by then
MEASURED_US = 30 * SECOND  # the ticker measures the queues every 5 s
DELIVERED_US = MINUTE  # a probe waits behind other messages
MAIL_US = 15 * MINUTE
MESSAGES = 1000  # the latest, among which mail that waits is looked for
COUNTED = 1000


class Trouble(NamedTuple):
    """What is wrong now, and since when; 0: always. It is worth an incident once it has lasted for `after_us`."""

    type: str
    detail: str
    since: int
    after_us: int = AFTER_US


class Bounds(NamedTuple):
    """`backlog_us`: how long a due job may wait. `file`: the database on SQLite. `sends_mail`: there is a mail server.
    `is_held`: nothing is meant to be sent."""

    backlog_us: int
    file: Path | None = None
    sends_mail: bool = False
    is_held: bool = False


def troubles(bounds: Bounds, now: int) -> list[Trouble]:
    """Everything that is wrong, however long it has lasted."""
    seen_at = ticker_row.seen_at()
    has_ticker = now - seen_at <= ticker_row.SILENT_S * SECOND
    present = (
        [] if has_ticker else [Trouble(TICKER, "no process plans and stages jobs, and none opens incidents", seen_at)]
    )
    present += _disk(bounds.file, now)
    if bounds.is_held:
        return present
    rows = heartbeats.workers()
    alive = heartbeats.alive(rows, now)
    present += _workers(rows, alive) if alive else [Trouble(SENDERS, "no process that sends is alive", _latest(rows))]
    present += _broker(bool(alive), now) if has_ticker else ()
    present += _backlog(bounds.backlog_us, now)
    return [*present, *(_mail(now) if bounds.sends_mail else ())]


def _latest(rows: Sequence[WorkerRow]) -> int:
    return max((row.seen_at for row in rows), default=0)


def _workers(rows: Sequence[WorkerRow], alive: Sequence[WorkerRow]) -> Iterator[Trouble]:
    """Processes that fell silent, if no later one has taken their place. One that stops in order leaves no row."""
    silent = sorted(set(rows) - set(alive), key=lambda row: (row.seen_at, row.id))
    started = sorted(row.started_at for row in alive)
    lost = []
    for row in silent:
        replacement = next((at for at in started if at >= row.seen_at), None)
        if replacement is None:
            lost.append(row)
        else:
            started.remove(replacement)
    if lost:
        names = ", ".join(f"{row.host} (process {row.pid})" for row in lost[:3])
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        yield Trouble(WORKER, f"silent, and not replaced: {names}{more}", lost[0].seen_at)


def _broker(has_senders: bool, now: int) -> Iterator[Trouble]:
    depths = heartbeats.depths()
    measured_at, delivered_until = depths.seen_at if depths else 0, ticker_row.delivered_until()
    if now - measured_at > MEASURED_US:
        yield Trouble(BROKER, "the ticker cannot ask the broker about its queues", measured_at)
    elif has_senders and now - delivered_until > DELIVERED_US:
        yield Trouble(BROKER, "messages reach no process that sends", delivered_until, 2 * MINUTE)


def _backlog(allowed_us: int, now: int) -> Iterator[Trouble]:
    jobs, oldest_us = staging.backlog(now, COUNTED)
    if oldest_us > allowed_us:
        count = "1 job is" if jobs == 1 else f"{jobs:,} jobs are" if jobs < COUNTED else f"{COUNTED:,} jobs or more are"
        detail = f"{count} due and not begun, the oldest for {duration(oldest_us)}"
        yield Trouble(BACKLOG, detail, now - oldest_us, allowed_us)


def _mail(now: int) -> Iterator[Trouble]:
    """E-mails that wait while none goes out. A mailbox that refuses is the matter of whoever wrote its address."""
    latest = f"SELECT job_id, inserted_at FROM notification WHERE way = '{EMAIL}' ORDER BY id DESC LIMIT {MESSAGES}"
    ((waiting, oldest_at, taken_at),) = fetch(
        f"SELECT count(CASE WHEN {WAITING_SQL} THEN 1 END), "
        f"min(CASE WHEN {WAITING_SQL} THEN latest.inserted_at END), max(job.completed_at) "
        f"FROM ({latest}) AS latest JOIN job ON job.id = latest.job_id"
    )
    if waiting and now - max(oldest_at, taken_at or 0) > MAIL_US:
        count = "1 e-mail" if waiting == 1 else f"{waiting:,} e-mails"
        detail = f"waiting: {count} about incidents, the oldest for {duration(now - oldest_at)}"
        yield Trouble(MAIL, detail, max(oldest_at, taken_at or 0), MAIL_US)


def _disk(file: Path | None, now: int) -> Iterator[Trouble]:
    if file and (free := shutil.disk_usage(file.parent).free) < LITTLE_ROOM:
        yield Trouble(DISK, f"{free // MIB} MiB are free at {file.parent}", now, 0)
