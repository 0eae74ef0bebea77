"""Owns rows whose every text is a canary: markup and quotes that a page must show as text.

The columns are read from the tables themselves, so a new one holds a canary as soon as there is one. A test names the
columns whose words are Booper's own, and the JSON that has to be JSON.
"""

import json
import re
from functools import cache

from models.database.connection import database, dialect
from models.database.ids import new_id
from models.database.sql import execute, fetch
from models.rules import clock

MARK = "'\" canary=1 ><canary>"
SHOWN = re.compile(r"&lt;canary&gt;(\w+\.\w+)")
URL = f"https://example.com/{MARK}"
SECRET = "https://discord.com/secret"
TEXT_TYPES = ("text", "character varying", "varchar(64)")


def canary(name):
    """A text that ends a tag or an attribute wherever it stands unescaped, and says where it comes from."""
    return MARK + name


def text_columns(table):
    return _text_columns(dialect(), table)


@cache
def _text_columns(_, table):
    """Kept for each kind of database: to ask PostgreSQL takes longer than to fill the table."""
    return [column.name for column in database.get_columns(table) if column.data_type.lower() in TEXT_TYPES]


def fill(table, **values):
    """A row of the table; each text column that `values` leaves out holds a canary named after it."""
    row = {name: canary(f"{table}.{name}") for name in text_columns(table)} | values
    marks = ", ".join(["%s"] * len(row))
    execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def in_json(name, **members):
    """A JSON object with a canary as a name and as a value, also deep inside."""
    text = canary(name)
    return json.dumps({text: text, f"{text}.list": [text], "list": [text, {text: text}], **members})


def loose_marks(page):
    """What of a page is markup that came out of a canary."""
    if page.answer.mimetype != "text/html":
        return []
    tags = [
        tag for tag, attributes in page.tags if tag.startswith("canary") or any("canary" in name for name in attributes)
    ]
    return [*tags, *re.findall(".{0,40}<canary", page.answer.text)]


class Filled:
    """An account with a row in each table, a canary in each text."""

    def __init__(self, account):
        self.account_id, self.now = account.id, clock.now()
        self.ids = {"account_id": self.account_id}
        self.schedule_id = new_id()
        execute("UPDATE account SET name = %s WHERE id = %s", (canary("account.name"), account.id))
        self.fill_keys()
        self.fill_outgoing()
        self.fill_machinery()
        self.fill_operations()
        self.fill_schedule()
        self.fill_jobs()
        self.fill_alerts()

    def fill_keys(self):
        made = {**self.ids, "uuid": new_id(), "created_at": self.now}
        fill("api_key", **made)
        fill("signing_key", **made)
        fill("ended_session", forgotten_at=self.now)
        fill("idempotent_request", **self.ids, created_at=self.now)

    def fill_outgoing(self):
        made = {**self.ids, "created_at": self.now}
        fill("endpoint", **made, uuid=new_id(), enabled=1, types=json.dumps([canary("endpoint.types")]))
        fill("channel", **made, name="discord", url=SECRET)
        fill("channel_message", inserted_at=self.now)
        text = canary("target_group.targets")
        targets = json.dumps([{"name": text, "url": URL, "headers": {text: text}}])
        fill("target_group", **made, changed_at=self.now, name="shops", targets=targets)
        text = canary("calendar.days")
        days = json.dumps([text, {"from": text, "to": text}])
        fill("calendar", **made, changed_at=self.now, name="holidays", days=days, moved_to=None)

    def fill_machinery(self):
        fill("worker", pid=1, slots=1, slots_in_use=1, started_at=self.now, seen_at=self.now)
        minute_at = self.now - self.now % clock.MINUTE
        fill("minute_stat", **self.ids, minute_at=minute_at, completed=1, failed=1, lateness='{"5": 2}')

    def fill_operations(self):
        """One that runs, and one that has ended, as far as a page can tell."""
        numbers = dict.fromkeys(("is_read", "done", "failed", "jobs_left", "more_left", "counted_at"), 0)
        for state in ("running", canary("operation.state")):
            made = {**self.ids, **numbers, "uuid": new_id(), "inserted_at": self.now, "state": state}
            fill("operation", **made, sent=in_json("operation.sent"))

    def fill_alerts(self):
        """A rule with a target, an incident of which somebody was notified, and a status page."""
        made = {**self.ids, "uuid": new_id()}
        rule = {"types": '["failed"]', "scope_kind": "label", "options": "{}", "enabled": 1}
        fill("alert", **made, **rule, created_at=self.now, changed_at=self.now)
        ((alert_id,),) = fetch("SELECT max(id) FROM alert")
        fill("alert_target", **self.ids, alert_id=alert_id, way="slack", url=SECRET, secret=SECRET)
        opened = {"alert_id": alert_id, "type": "failed", "opened_at": self.now, "is_flapping": 0, "subjects": 1}
        fill("incident", **made | {"uuid": new_id()}, **opened)
        ((incident_id,),) = fetch("SELECT max(id) FROM incident")
        began = {"incident_id": incident_id, "alert_id": alert_id, "subject": self.schedule_id, "began_at": self.now}
        fill("incident_subject", **began)
        fill("notification", incident_id=incident_id, job_id=1, inserted_at=self.now)
        fill("status_page", **self.ids, token="T" * 43, created_at=self.now)
        fill("health_event", **self.ids, schedule_id=self.schedule_id, at=self.now, number=1)

    def fill_schedule(self):
        shown = {name: in_json(f"schedule.{name}") for name in ("state", "previous", "template")}
        numbers = {"offset_us": 0, "catch_up_us": 0, "failures": 0, "inserted_at": self.now, "enabled_at": self.now}
        fill(
            "schedule",
            **self.ids,
            **shown,
            **numbers,
            id=self.schedule_id,
            args=self.args("schedule"),
            body=in_json("schedule.body").encode(),
            frequency='{"repeat_every": 60}',
        )
        for number in range(2):
            job_id = number or None
            fill("firing", schedule_id=self.schedule_id, fire_at=self.now + number, job_id=job_id, decided_at=self.now)

    def fill_jobs(self):
        for state in ("discarded", "retryable", "executing", "completed", "scheduled"):
            parent = self.job(state=state, scheduled_at=self.now + clock.HOUR)
            for kind in ("callback", "event", "channel"):
                self.job(state="available", kind=kind, parent_id=parent)
            self.record(parent)
        long_body = in_json("job.body", more="x" * 5000).encode()
        self.job(state="discarded", body=long_body, name=None, description=None)

    def job(self, **values):
        numbers = {"max_attempts": 3, "timeout_ms": 1000, "attempt": 2, "staged_count": 0}
        row = {
            **numbers,
            **self.ids,
            "uuid": new_id(),
            "kind": "request",
            "inserted_at": self.now,
            "scheduled_at": self.now,
            "schedule_id": self.schedule_id,
            "after_uuid": None,
            "attempted_at": self.now,  # of those that wait for their first attempt a key is live once
            "args": self.args("job"),
            "body": in_json("job.body", type=canary("job.body")).encode(),
            "backoff": '{"fixed": 60}',
            **values,
        }
        fill("job", **row)
        ((job_id,),) = fetch("SELECT max(id) FROM job")
        fill("job_label", **self.ids, inserted_at=self.now, job_id=job_id)
        return job_id

    def args(self, table):
        text = canary(f"{table}.args")
        members = {"method": text, "query": {text: text}, "headers": {text: text}, "labels": [text[:50]]}
        return json.dumps({"url": URL, "name": text, text: text, **members})

    def record(self, job_id):
        """Attempts of which the log holds everything, no answer, and nothing; and what else it may hold."""
        timed = {"job_id": job_id, "started_at": self.now, "finished_at": self.now, "lateness_us": 5}
        for number in (1, 2, 3):
            fill("attempt", **timed, number=number)
        fill("attempt", **timed, number=4, reason=None)
        for number, events in ((1, ("request", "response", "error")), (2, ("request", "error"))):
            for event in events:
                self.log(job_id, number, event=f"worker.http.{event}")
        self.log(job_id, None)

    def log(self, job_id, number, **values):
        text = canary("log_entry.payload")
        shown = {"method": text, "url": text, "status": text, "reason": text, "headers": {text: text}, "body": text}
        payload = in_json("log_entry.payload", attempt=number, next_at=text, **shown)
        row = {**self.ids, "job_id": job_id, "schedule_id": self.schedule_id, "inserted_at": self.now}
        fill("log_entry", **row, uuid=new_id(), payload=payload, **values)
