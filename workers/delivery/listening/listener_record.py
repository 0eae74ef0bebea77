"""Records what came of attempts of listeners, and counts them in the same transaction."""

import json
from collections.abc import Sequence

from models.database.transactions import transaction
from models.operations.heartbeats import MinuteRow
from models.operations.listening import listener_minutes
from models.operations.listening.listener_minutes import WORKER
from models.rules.clock import MINUTE
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.ended_claims import Judged
from workers.delivery.heartbeat import Totals
from workers.delivery.judge import LONGEST_RETRY_AFTER_US
from workers.delivery.recorder import record, recorded_of


def record_and_count(
    results: list[Result], configs: ConfigCache, longest_us: int = LONGEST_RETRY_AFTER_US
) -> list[Judged]:
    """Record the results in one transaction, joining the caller's, with the figures of their minutes; returns those
    that were recorded."""
    with transaction():
        recorded = record(results, configs, longest_us)
        listener_minutes.add(_minutes(recorded))
    return recorded


def _minutes(recorded: Sequence[Judged]) -> list[MinuteRow]:
    totals: dict[tuple[int, int], Totals] = {}
    for attempt in map(recorded_of, recorded):
        minute_at = attempt.attempted_at - attempt.attempted_at % MINUTE
        totals.setdefault((attempt.account_id, minute_at), Totals()).add(attempt)
    return [
        MinuteRow(*key, WORKER, total.completed, total.failed, json.dumps(total.lateness))
        for key, total in totals.items()
    ]
