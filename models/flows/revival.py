"""Makes gates again that were forgotten although a job has to pass them: a copy of an old job names the gate of the old
one, which nobody had used for a week since. Its limits are those that the order of the old job named.
"""

import json
from collections.abc import Collection
from typing import Any

from models.database.sql import any_of, execute, fetch
from models.flows import gates
from models.rules import clock, times
from models.rules.limits import FLOW, LANE, GateName, Limits

COLUMN = {FLOW: "flow_id", LANE: "lane_id"}


def revive(job_ids: Collection[int], missing: Collection[int]) -> dict[int, int]:
    """Make those of the missing gates again whose keys these jobs know, in the transaction of their claim. Returns the
    ids under which they are there now, by those that the jobs had: a later order may have made the same gate anew."""
    these, params = any_of("id", sorted(job_ids))
    rows = fetch(f"SELECT account_id, args, flow_id, lane_id FROM job WHERE {these} ORDER BY id", (params,))
    revived: dict[int, int] = {}
    for account_id, args, flow_id, lane_id in rows:
        for kind, gate_id in ((FLOW, flow_id), (LANE, lane_id)):
            name = _name_of(kind, json.loads(args).get(kind)) if gate_id in missing else None
            if name is not None:
                revived[gate_id] = _revived(account_id, gate_id, name)
    return revived


def _revived(account_id: int, gate_id: int, name: GateName) -> int:
    gates.make(account_id, name, clock.now(), gate_id)
    gate = gates.find(account_id, name.kind, name.key)
    if gate is None or gate.id == gate_id:
        return gate_id
    column = COLUMN[name.kind]
    execute(f"UPDATE job SET {column} = %s WHERE {column} = %s AND claim_id IS NULL", (gate.id, gate_id))
    return gate.id


def _name_of(kind: str, ordered: Any) -> GateName | None:
    """The gate as the order named it."""
    if isinstance(ordered, str):
        return GateName(kind, ordered)
    if not isinstance(ordered, dict) or not isinstance(ordered.get("key"), str):
        return None
    rate, per, concurrency = (ordered.get(name) for name in ("rate", "per", "concurrency"))
    per_us = None if per is None else times.parse_duration(per)
    stops = int(ordered.get("on_failure") == "stop")
    return GateName(kind, ordered["key"], Limits(_whole(rate), per_us, _whole(concurrency), stops))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
