"""Reads figures about the database for whoever operates it: version, old transactions, dead rows, connections.

For PostgreSQL. Every question is answered from statistics, so it costs the same however large the tables are.
"""

from typing import NamedTuple

from models.database.sql import fetch
from models.rules.clock import SECOND

OLD_S = 600


class Server(NamedTuple):
    """`version`: as 150004. `is_replica`: it takes no writes. `sees_all`: this role sees the sessions of others."""

    version: int
    is_replica: bool
    sees_all: bool


class OldTransaction(NamedTuple):
    """What keeps PostgreSQL from removing dead rows. `kind`: session, prepared or slot; `age_s`: None for a slot."""

    kind: str
    name: str
    owner: str
    age_s: int | None


class Bloat(NamedTuple):
    """Rows of the table `job`, as the statistics have them."""

    live: int
    dead: int
    total_bytes: int


class Connections(NamedTuple):
    """Sessions of the server now, and how many it allows to users."""

    used: int
    allowed: int


def server() -> Server:
    question = (
        "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), "
        "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
    )
    return Server(*fetch(question)[0])


def old_transactions() -> list[OldTransaction]:
    """Those that have been open for OLD_S, the oldest first; and replication slots that nobody reads."""
    rows = fetch(
        "SELECT 'session', pid::text, coalesce(usename, ''), extract(epoch FROM now() - xact_start)::bigint "
        "FROM pg_stat_activity WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) "
        "AND xact_start < now() - make_interval(secs => %s) AND backend_type = 'client backend' "
        "UNION ALL SELECT 'prepared', gid, owner::text, extract(epoch FROM now() - prepared)::bigint "
        "FROM pg_prepared_xacts WHERE prepared < now() - make_interval(secs => %s) "
        "UNION ALL SELECT 'slot', slot_name::text, '', NULL FROM pg_replication_slots WHERE NOT active "
        "AND (xmin IS NOT NULL OR catalog_xmin IS NOT NULL) ORDER BY 4 DESC NULLS LAST LIMIT 20",
        (OLD_S, OLD_S),
    )
    return [OldTransaction(*row) for row in rows]


def bloat() -> Bloat:
    rows = fetch(
        "SELECT n_live_tup, n_dead_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables "
        "WHERE relname = 'job' AND schemaname = current_schema()"
    )
    return Bloat(*rows[0]) if rows else Bloat(0, 0, 0)


def connections() -> Connections:
    question = (
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
        "current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    )
    return Connections(*fetch(question)[0])


def hosts_ahead(now: int, seconds: int) -> list[tuple[str, float]]:
    """Hosts whose processes wrote a sign of life that lies so far ahead of `now`, with by how many seconds."""
    rows = fetch(
        "SELECT host, max(seen_at) FROM worker GROUP BY host HAVING max(seen_at) > %s", (now + seconds * SECOND,)
    )
    return [(host, (seen_at - now) / SECOND) for host, seen_at in rows]


def recent_hosts(count: int) -> list[str]:
    """The target hosts of the latest hundred jobs, the latest first."""
    rows = fetch(
        "SELECT host FROM (SELECT id, host FROM job ORDER BY id DESC LIMIT 100) AS latest WHERE host <> '' "
        "GROUP BY host ORDER BY max(id) DESC LIMIT %s",
        (count,),
    )
    return [host for (host,) in rows]
