"""Opens and closes the incidents of Booper's own troubles, and says what is to be sent about them.

They are rows beside those of alert rules, with OPERATOR in the place of the rule, and open, flap, repeat and close by
the same statements. Only the process whose turn it is calls this (`turn.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from models.alerts import conditions, incident_rows
from models.alerts.announcing import COLUMNS, Step, incident_row, step_of
from models.alerts.conditions import ACCOUNT, DATABASE, OPERATOR, RECOVERED, TROUBLES, Options, Rule
from models.alerts.exclusive import wait_until_alone
from models.alerts.incident_rows import Begin, Key
from models.alerts.messages import OPENED, IncidentRow
from models.database.sql import execute, fetch, values_table
from models.database.transactions import transaction
from models.operations.operator_alerts import turn
from models.operations.operator_alerts.troubles import Trouble
from models.rules.clock import MINUTE

TITLES = {
    conditions.TICKER: "The ticker",
    conditions.SENDERS: "Sending",
    conditions.WORKER: "A process that sends",
    conditions.BROKER: "The broker",
    conditions.BACKLOG: "Delivery",
    conditions.MAIL: "The mail server",
    conditions.DISK: "The disk of the database",
    conditions.DATABASE: "The database",
}
SUBJECT = "booper:{}"
NAMESPACE = UUID("6f0e2f3c-6f0c-4f43-9d0e-2d6d3f1c8a51")  # of outages
CURRENT_US = 2 * MINUTE  # what nobody has looked at for longer is not known


class Due(NamedTuple):
    """What is to be done about an incident; `announced`: what was sent last."""

    incident: IncidentRow
    announced: str | None
    step: Step


def rule_of(name: str, repeat_us: int | None) -> Rule:
    """What stands in the place of a rule. `name`: of this installation."""
    types = frozenset({*TROUBLES, RECOVERED})
    return Rule(OPERATOR, "", OPERATOR, name, types, ACCOUNT, "", Options(repeat_us=repeat_us), None)


def update(rule: Rule, present: Sequence[Trouble], watched_since: int, now: int) -> None:
    """Open incidents of the troubles that have lasted long enough while somebody watched, and close those that are
    over. `watched_since`: signs of life from before say nothing, since Booper may have been stopped."""
    with transaction():
        wait_until_alone()
        is_open = {key.type for key in incident_rows.open_subjects([SUBJECT.format(each) for each in TROUBLES])}
        begun = [
            _begin(rule, each, max(each.since, watched_since))
            for each in present
            if each.type not in is_open and max(each.since, watched_since) + each.after_us <= now
        ]
        over = is_open - {each.type for each in present}
        incident_rows.begin(begun, now)
        incident_rows.end([(_key(each), now) for each in sorted(over)], now)
    incident_rows.close_calm(now)


def note_outage(rule: Rule, since: int, until: int, now: int, is_sent: bool) -> None:
    """Note that no process could use the database from `since` until then. Its end is sent, and before that its
    beginning unless that `is_sent`, from memory. An outage that is noted already stays as it is. None flaps: each
    beginning that was sent needs its own end."""
    uuid = outage_id(since)
    with transaction():
        wait_until_alone()
        if fetch("SELECT 1 FROM incident WHERE uuid = %s", (uuid,)):
            return
        outage = Trouble(DATABASE, "no process could use it, or none ran", since)
        incident_rows.begin([_begin(rule, outage, since)], now)
        execute(
            "UPDATE incident SET uuid = %s, announced = %s, is_flapping = 0 "
            "WHERE alert_id = %s AND type = %s AND closed_at IS NULL",
            (uuid, OPENED if is_sent else None, OPERATOR, DATABASE),
        )
        incident_rows.end([(_key(DATABASE), until)], now)


def outage(rule: Rule, since: int, reason: str) -> IncidentRow:
    """The incident of an outage that no row can tell of yet. Its id follows from its beginning, so that its end has the
    same one."""
    subject, title = SUBJECT.format(DATABASE), TITLES[DATABASE]
    ids = (0, outage_id(since), OPERATOR)
    return IncidentRow(*ids, rule.name, DATABASE, subject, title, reason, 1, 0, since, None, None, None)


def outage_id(since: int) -> str:
    return str(uuid5(NAMESPACE, str(since)))


def due(rule: Rule, now: int) -> list[Due]:
    """What is due about which incidents, the oldest first."""
    rows = fetch(
        f"SELECT {COLUMNS}, announced FROM incident WHERE alert_id = {OPERATOR} AND announce_at <= %s ORDER BY id",
        (now,),
    )
    incidents = [(incident_row(row[:-1]), row[-1]) for row in rows]
    return [Due(incident, announced, step_of(incident, announced, rule, now)) for incident, announced in incidents]


def grouped(dues: Sequence[Due]) -> dict[str, list[Due]]:
    """By the type of the message; what needs none is left out."""
    groups: dict[str, list[Due]] = defaultdict(list)
    for each in dues:
        if each.step.type:
            groups[each.step.type].append(each)
    return dict(groups)


def note(dues: Sequence[Due]) -> None:
    """Note that these steps are done. An incident that closed meanwhile stays due."""
    rows = [(each.incident.id, *each.step[1:], each.announced, each.incident.closed_at) for each in dues]
    if not rows:
        return
    columns = "id bigint, announced text, announce_at bigint, before text, closed_at bigint"
    table, params = values_table(columns, rows)
    with transaction():
        execute(
            "UPDATE incident SET announced = input.announced, announce_at = CASE WHEN "
            "COALESCE(incident.closed_at, 0) = COALESCE(input.closed_at, 0) THEN input.announce_at "
            f"ELSE incident.announce_at END FROM {table} AS input WHERE incident.id = input.id "
            "AND COALESCE(incident.announced, '') = COALESCE(input.before, '')",
            params,
        )


def open_now(now: int) -> list[IncidentRow]:
    """The open incidents of this installation, as far as somebody has looked of late."""
    if turn.read().looked_at < now - CURRENT_US:
        return []
    rows = fetch(f"SELECT {COLUMNS} FROM incident WHERE alert_id = {OPERATOR} AND closed_at IS NULL ORDER BY id")
    return [incident_row(row) for row in rows]


def _begin(rule: Rule, trouble: Trouble, at: int) -> Begin:
    subject = SUBJECT.format(trouble.type)
    return Begin(rule, trouble.type, subject, subject, TITLES[trouble.type], trouble.detail, at)


def _key(trouble_type: str) -> Key:
    return Key(OPERATOR, trouble_type, SUBJECT.format(trouble_type))
