"""Changes and deletes endpoints and channels, and lets what waits for them follow.

From the moment of the change the claim sends no event of a disabled or deleted endpoint, and a sender looks up the
present URL. What is shown follows: waiting events of a deleted endpoint are cancelled, those of a disabled one are
held, those of one with another URL are readdressed. A change does that for AT_ONCE events itself, the ticker for the
rest and for those that come to wait later, such as an event whose attempt under way fails.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.database.sql import any_of, fetch, skipping_locked
from models.database.transactions import transaction, wait_briefly_for_locks
from models.jobs import job_store, staging
from models.jobs.job_kinds import CHANNEL
from models.jobs.staging import PAUSED_UNTIL
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules.clock import HOUR, MINUTE
from models.rules.listener_urls import host_of
from models.schedules.cancel import cancel
from models.webhooks import channels, endpoints
from models.webhooks.event_order import HELD_US
from models.webhooks.follow_ups import args_for
from models.webhooks.webhook_tables import Endpoint

AT_ONCE = 1000  # waiting jobs that follow in one transaction
ENDPOINTS_AT_ONCE = 1000
SETTLES_US = MINUTE  # longer than a process may go on with what an endpoint was
GONE_AFTER_US = HOUR  # longer than an attempt under way may last
ENDPOINT_DELETED = "its endpoint was deleted"
CHANNEL_REMOVED = "its channel was removed"


def change_endpoint(account_id: int, uuid: str, values: Mapping[str, Any], now: int) -> Endpoint | None:
    """Set some columns of an endpoint, and let its waiting events follow; None when the account has none such."""
    with transaction():
        endpoint = endpoints.change(account_id, uuid, dict(values), now)
        if endpoint and values.keys() & {"url", "enabled"}:
            _follow([endpoint], now)
        return endpoint


def delete_endpoint(account_id: int, uuid: str, now: int) -> bool:
    """Delete an endpoint and cancel its waiting events; False when the account has none such."""
    with transaction():
        endpoint = endpoints.delete(account_id, uuid, now)
        if endpoint is None:
            return False
        endpoint.enabled, endpoint.deleted_at = 0, now
        _follow([endpoint], now)
        return True


def remove_channel(account_id: int, name: str, now: int) -> bool:
    """Remove a channel and cancel the messages that wait for it; False when the account has not set it."""
    with transaction():
        if not channels.remove(account_id, name):
            return False
        messages = f"account_id = %s AND kind = '{CHANNEL}' AND {WAITING_SQL}"
        sql = f"SELECT id, args FROM job WHERE {messages} ORDER BY id LIMIT {AT_ONCE}{skipping_locked()}"
        rows = fetch(sql, (account_id,))
        waiting = [job_id for job_id, args in rows if json.loads(args).get("channel") == name]
        if waiting:
            cancel(waiting, CHANNEL_REMOVED, None, now)
        return True


def follow_endpoints(now: int) -> int:
    """Let events follow that wait for a changed endpoint; returns how many did. A duty of the ticker."""
    unsettled = endpoints.unsettled(ENDPOINTS_AT_ONCE)
    if not unsettled:
        return 0
    with transaction():
        wait_briefly_for_locks()
        moved = _follow(unsettled, now)
        if not moved:
            endpoints.settle([endpoint.id for endpoint in unsettled if _is_settled(endpoint, now)])
    return moved


def _follow(changed: Sequence[Endpoint], now: int) -> int:
    """What waits for these endpoints follows them; returns how many jobs did."""
    deleted = [endpoint.id for endpoint in changed if endpoint.deleted_at is not None]
    enabled = [endpoint for endpoint in changed if endpoint.enabled]
    disabled = [endpoint.id for endpoint in changed if not endpoint.enabled and endpoint.deleted_at is None]
    ended = _waiting(deleted)
    cancelled = len(cancel(ended, ENDPOINT_DELETED, None, now)) if ended else 0
    paused = staging.pause(
        _waiting(disabled, "held_until IS NULL") + _waiting(disabled, f"held_until < {PAUSED_UNTIL}")
    )
    held = _waiting([endpoint.id for endpoint in enabled], f"held_until = {PAUSED_UNTIL}")
    resumed = staging.resume(held, now + HELD_US)
    moved = [each for each in changed if each.deleted_at is None and (each.unsettled_at or 0) > now - SETTLES_US]
    return cancelled + paused + resumed + sum(_readdress(endpoint) for endpoint in moved)


def _readdress(endpoint: Endpoint) -> int:
    args = args_for(endpoint.url)
    waiting = _waiting([endpoint.id], "args <> %s", [args])
    return job_store.readdress(waiting, args, host_of(endpoint.url)) if waiting else 0


def _waiting(endpoint_ids: Sequence[int], condition: str = "true", params: Sequence[Any] = ()) -> list[int]:
    """Some of the events that wait for these endpoints; those that another session holds are left for the next turn."""
    if not endpoint_ids:
        return []
    these, ids = any_of("endpoint_id", endpoint_ids)
    where = f"{these} AND endpoint_id IS NOT NULL AND {LIVE_SQL} AND {WAITING_SQL} AND {condition}"
    rows = fetch(f"SELECT id FROM job WHERE {where} ORDER BY id LIMIT {AT_ONCE}{skipping_locked()}", (ids, *params))
    return [row[0] for row in rows]


def _is_settled(endpoint: Endpoint, now: int) -> bool:
    """Whether nothing can come to wait any more for what the endpoint was."""
    if endpoint.deleted_at is None:
        return bool(endpoint.enabled) and (endpoint.unsettled_at or 0) <= now - SETTLES_US
    sql = f"SELECT 1 FROM job WHERE endpoint_id = %s AND endpoint_id IS NOT NULL AND {LIVE_SQL} LIMIT 1"
    return endpoint.deleted_at <= now - GONE_AFTER_US and not fetch(sql, (endpoint.id,))
