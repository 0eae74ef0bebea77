"""Runs `booper migrate` and `booper prune`, and shows their progress."""

import time

from booper.progress import progress
from models.database import schema
from models.database.connection import connection
from models.jobs import idempotent_requests, lifecycle
from models.rules import clock
from runtime.settings import Settings

ROWS_AT_ONCE = 500
WAITING = (
    f"another session holds a table: nothing is changed yet, and all is tried again in {schema.PAUSE_S:.0f} s; "
    "pg_stat_activity shows transactions with an old xact_start"
)
PAUSE_S = 0.01  # lets other writers in between; on SQLite they would have to wait long


def migrate() -> int:
    """Bring the schema up to date, one line a migration."""
    lacking = schema.pending()
    with progress("migrate", len(lacking), "migrations") as shown:

        def on_applied(name: str) -> None:
            shown.print_line(f"{name} is applied")
            shown.advance(1)

        applied = schema.migrate(
            on_applied,
            on_building=lambda name: shown.print_line(f"building the index {name}"),
            on_waiting=lambda: shown.print_line(WAITING),
        )
    print(f"applied {', '.join(applied)}" if applied else "the schema is up to date")
    return 0


def prune(settings: Settings) -> int:
    """Delete now the final jobs that the settings no longer keep; the ticker sweeps every ten minutes."""
    from workers.assembly import kept_us

    finished_before = {state: clock.now() - kept for state, kept in kept_us(settings).items()}
    with connection():
        pruned = _prune_jobs(finished_before) if finished_before else 0
        responses = _prune_responses()
    print(f"{pruned} jobs pruned, and {responses} responses kept for repeated requests")
    if not finished_before:
        print("jobs are kept for ever: BOOPER_KEEP_COMPLETED_DAYS, _DISCARDED_DAYS and _CANCELLED_DAYS are 0")
    return 0


def _prune_jobs(finished_before: dict[str, int]) -> int:
    first, last = lifecycle.id_range()
    after_id, pruned = max(0, first - 1), 0
    with progress("prune", last - after_id, "jobs looked at") as shown:
        while after_id < last:
            gone, looked_at = lifecycle.prune(after_id, finished_before, ROWS_AT_ONCE)
            pruned += gone
            looked_at = last if looked_at is None else min(looked_at, last)  # None: the rest is too young
            shown.advance(looked_at - after_id)
            after_id = looked_at
            time.sleep(PAUSE_S)
    return pruned


def _prune_responses() -> int:
    responses = 0
    while gone := idempotent_requests.prune(ROWS_AT_ONCE, clock.now()):
        responses += gone
        time.sleep(PAUSE_S)
    return responses
