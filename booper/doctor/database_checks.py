"""Checks PostgreSQL: that it can be used, that nothing keeps it from cleaning up, and that connections are enough."""

from collections.abc import Iterator

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from models.database import host_clock, schema
from models.database.connection import connection
from models.operations import database_figures as figures
from models.rules import clock
from runtime.settings import Settings

OLDEST = 130_000
MANY_DEAD, DEAD_SHARE = 10_000, 0.5
API_THREADS, SENDER_THREADS, TICKER_THREADS = 8, 20, 2  # connections of each process (docs/operating.md)
NEARLY_ALL = 0.8
NOTABLE_S = 1
database_is, clocks_are = about("database"), about("clocks")


def check_postgres(settings: Settings) -> Iterator[Finding]:
    """A session of the product's own is opened for it, with its limits on waiting."""
    with connection():
        yield from _server()
        yield from _schema()
        yield from _old_transactions()
        yield from _bloat()
        yield from _connections(settings)


def check_clocks() -> Iterator[Finding]:
    with connection():
        ahead_s = host_clock.measure() / clock.SECOND
        now = host_clock.database_clock()
        strangers = [] if schema.lacking() else figures.hosts_ahead(now, NOTABLE_S)
    set_them = "Set the clocks of all hosts by NTP (`timedatectl set-ntp true`)."
    if abs(ahead_s) >= NOTABLE_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        yield clocks_are(ERROR, f"this host's clock is {abs(ahead_s):.1f} s {side} the database's", set_them)
    for host, seconds in strangers:
        yield clocks_are(ERROR, f"the clock of {host} is at least {seconds:.1f} s ahead of the database's", set_them)
    if abs(ahead_s) < NOTABLE_S and not strangers:
        yield clocks_are(OK, f"this host's clock and the database's agree within {NOTABLE_S} s")


def _server() -> Iterator[Finding]:
    server = figures.server()
    version = f"{server.version // 10_000}.{server.version % 10_000}"
    if server.version < OLDEST:
        yield database_is(WARNING, f"PostgreSQL {version} is older than Booper is made for", "Upgrade to 15 or newer.")
    else:
        yield database_is(OK, f"PostgreSQL {version} answers, and keeps the limits of a session")
    if server.is_replica:
        yield database_is(ERROR, "this is a replica, which takes no writes", "Name the primary in BOOPER_DATABASE_URL.")
    if not server.sees_all:
        yield database_is(
            NOTE,
            "this role does not see the sessions of others, so old transactions may stay hidden",
            "GRANT pg_read_all_stats to it.",
        )


def _schema() -> Iterator[Finding]:
    if missing := schema.lacking():
        text = f"the database lacks {len(missing)} migrations, from {missing[0]} on"
        yield database_is(ERROR, text, "Run `booper migrate`.")


def _old_transactions() -> Iterator[Finding]:
    ends = {
        "session": "End it: SELECT pg_terminate_backend({name}).",
        "prepared": "End it: ROLLBACK PREPARED '{name}'.",
        "slot": "If nobody needs it: SELECT pg_drop_replication_slot('{name}').",
    }
    for old in figures.old_transactions():
        since = "unused" if old.age_s is None else f"open for {old.age_s // 60} min"
        text = f"{old.kind} {old.name} ({old.owner or 'nobody'}) is {since}: PostgreSQL removes no dead row meanwhile"
        yield database_is(WARNING, text, ends[old.kind].format(name=old.name))


def _bloat() -> Iterator[Finding]:
    job = figures.bloat()
    if job.dead > MANY_DEAD and job.dead > DEAD_SHARE * job.live:
        text = f"the table job has {job.dead} dead rows beside {job.live} live ones ({job.total_bytes >> 20} MiB)"
        scale = "ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0.02)"
        yield database_is(WARNING, text, f"End old transactions first; then VACUUM job, and {scale}.")


def _connections(settings: Settings) -> Iterator[Finding]:
    used, allowed = figures.connections()
    sending = settings.worker_processes * min(SENDER_THREADS, settings.database_connections)
    needed = settings.api_processes * min(API_THREADS, settings.database_connections) + sending + TICKER_THREADS
    more = "Raise max_connections, or lower BOOPER_DATABASE_CONNECTIONS or the number of processes."
    if used > NEARLY_ALL * allowed:
        yield database_is(WARNING, f"{used} of {allowed} connections are in use", more)
    elif not settings.embedded and needed > allowed:
        text = f"one machine with these settings may want {needed} connections, and the server allows {allowed}"
        yield database_is(WARNING, text, more)
    else:
        yield database_is(OK, f"{used} of {allowed} connections are in use")
