"""Says what the jobs wait for whose time has come, by the kind of gate that holds them back."""

from models.database.sql import fetch
from models.jobs.job_kinds import REQUEST
from models.jobs.states import LATER_SQL
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE

LOOKED_AT = 5_000
SLOT = "slot"  # no gate: a free slot of a worker, or its next attempt to be staged
CAUSES = (ACCOUNT, HOST, FLOW, LANE, SLOT)


def counted(account_id: int, now: int) -> dict[str, int]:
    """How many of the account's jobs that are due wait for each of CAUSES; LOOKED_AT are looked at."""
    few = (
        f"SELECT parked_by FROM job WHERE account_id = %s AND kind = '{REQUEST}' AND {LATER_SQL} "
        f"AND scheduled_at <= %s ORDER BY scheduled_at LIMIT {LOOKED_AT}"
    )
    available = (
        f"SELECT parked_by FROM job WHERE account_id = %s AND kind = '{REQUEST}' AND state = 'available' "
        f"ORDER BY inserted_at, id LIMIT {LOOKED_AT}"
    )
    rows = fetch(
        "SELECT gate.kind, count(*) FROM "
        f"(SELECT * FROM ({few}) AS later UNION ALL SELECT * FROM ({available}) AS ready) AS few "
        "LEFT JOIN gate ON gate.id = few.parked_by GROUP BY gate.kind",
        (account_id, now, account_id),
    )
    counts = {kind or SLOT: int(jobs) for kind, jobs in rows}
    return {cause: counts[cause] for cause in CAUSES if cause in counts}
