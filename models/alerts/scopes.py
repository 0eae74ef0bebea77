"""Says in SQL which schedules are in the scope of a rule: the same as `covers` in `models/alerts/conditions.py`."""

from typing import Any

from models.alerts.conditions import ACCOUNT, FLOW, HOST, LABEL, SCHEDULE, Rule
from models.database.connection import dialect

# Of a schedule; each takes one parameter. `host`, `labels` and `flow_id` are fields of the template, which is JSON.
IN_SCOPE = {
    "sqlite": {
        SCHEDULE: "schedule.id = %s",
        LABEL: "EXISTS (SELECT 1 FROM json_each(schedule.template, '$.labels') WHERE value = %s)",
        HOST: "json_extract(schedule.template, '$.host') = %s",
        FLOW: "json_extract(schedule.template, '$.flow_id') = %s",
    },
    "postgresql": {
        SCHEDULE: "schedule.id = %s",
        LABEL: "CAST(CAST(schedule.template AS JSON) -> 'labels' AS JSONB) @> jsonb_build_array(CAST(%s AS TEXT))",
        HOST: "CAST(schedule.template AS JSON) ->> 'host' = %s",
        FLOW: "CAST(CAST(schedule.template AS JSON) ->> 'flow_id' AS BIGINT) = %s",
    },
}


def schedules_of(rule: Rule) -> tuple[str, list[Any]]:
    """The condition and its parameters. It reads the template last, so put cheaper conditions before it."""
    if rule.scope_kind == ACCOUNT:
        return "schedule.account_id = %s", [rule.account_id]
    key = rule.scope_gate_id if rule.scope_kind == FLOW else rule.scope_key
    return f"schedule.account_id = %s AND {IN_SCOPE[dialect()][rule.scope_kind]}", [rule.account_id, key]
