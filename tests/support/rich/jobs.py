"""The jobs of the state, with their labels, attempts, log entries, replays and acknowledgements."""

from models.flows.gates import FAR
from models.jobs import job_tables as tables
from models.jobs.job_json import compact
from models.jobs.lifecycle import NO_DEADLINE
from models.jobs.staging import PAUSED_UNTIL
from models.rules.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from tests.support.clocks import START
from tests.support.rich.names import ACCOUNT, ENDPOINT, GATE, JOB, SCHEDULE, TARGET, uuid_of

FENCES = 400_000
NOTIFY = {
    "callback": "https://back.example/ended",
    "failure_callback": "https://back.example/failed",
    "webhook": "https://back.example/events",
}
RICH = {
    "method": "put",
    "url": "https://rich.example/path/of?mine=1#part",
    "query": {"a": [1, 2], "b": {"c": "d e"}},
    "headers": {"Authorization": "Bearer secret-1", "X-Own": "own-1", "X-Plain": "plain-1"},
    "name": "a rich job",
    "labels": ["billing", "eu-west"],
    "max_age": 3_700,
    "notify": "shown only",
}
REASONS = {
    "failed": ("answered", 500, "status_500"),
    "failed-host": ("unreachable", None, "connection_refused"),
    "failed-other": ("answered", 404, "status_404"),
    "failed-old": ("answered", 500, "status_500"),
    "failed-seen": ("answered", 500, "status_500"),
    "given-up": ("lost", None, "worker_lost"),
    "retry": ("answered", 503, "status_503"),
    "retry-due": ("unreachable", None, "timeout"),
    "retry-last": ("answered", 500, "status_500"),
    "retry-aged": ("answered", 502, "status_502"),
    "hook-retry": ("answered", 429, "status_429"),
    "hourly-failed": ("answered", 500, "status_500"),
    "bob-failed": ("answered", 500, "status_500"),
}


def at(**spans):
    units = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "us": 1}
    return START + sum(int(amount * units[unit]) for unit, amount in spans.items())


def job(name, state="available", due=None, *, url=None, body=None, notify=None, **columns):
    """A job whose plain values differ from those of every other."""
    place = list(JOB).index(name)
    host = f"{name.removeprefix('bob-')}.example"
    due = at(s=-place / 8) if due is None else due
    inserted_at = min(due, at(m=-20, s=place))
    args = {"method": "post", "url": url or f"https://{host}/hook/{place}"}
    defaults = {
        "id": JOB[name],
        "uuid": uuid_of("job", name),
        "account_id": ACCOUNT["bob" if name.startswith("bob-") else "alice"],
        "name": name,
        "args": compact(args),
        "body": None if body is None else body.encode(),
        "content_type": None if body is None else "application/json",
        "host": host,
        "max_attempts": 5 + place % 4,
        "timeout_ms": 30_000 + place,
        "inserted_at": inserted_at,
        "scheduled_at": due,
        "state": state,
        "notify": notify and compact(notify),
    }
    return defaults | columns


def under_way(name, lease_s=25, attempt=1, **columns):
    """A job that somebody has claimed."""
    place = list(JOB).index(name)
    held = {
        "attempt": attempt,
        "attempted_at": at(s=-12, ms=-place),
        "claim_id": FENCES + place,
        "lease_until": at(s=lease_s),
        "staged_count": attempt,
    }
    columns.setdefault("due", at(s=-13, ms=-2 * place))
    return job(name, columns.pop("state", "executing"), **{**held, **columns})


def ended(name, state, ago, attempt=1, **columns):
    """A job that ended so long ago."""
    columns = {f"{state}_at": START - ago, "attempted_at": START - ago - 700 * MILLISECOND, **columns}
    return job(name, state, START - ago - 900 * MILLISECOND, attempt=attempt, staged_count=attempt, **columns)


def parked(name, gate, due, **columns):
    return job(name, "scheduled", due, parked_by=GATE[gate], held_until=FAR, staged_count=2, **columns)


def _waiting():
    flow, lane = {"flow_id": GATE["flow-shop"]}, {"lane_id": GATE["lane-user"]}
    full, narrow = {"flow_id": GATE["flow-full"]}, {"flow_id": GATE["flow-narrow"]}
    return [
        job("ready"),
        job(
            "rich",
            "scheduled",
            at(h=1),
            body='{"n": 1.50, "text": "ünï"}',
            notify=NOTIFY | {"callback_on": "attempt"},
            args=compact(RICH),
            host="rich.example",
            description="what it is for",
            idempotency_key="key-rich",
            hops=2,
            backoff=compact({"exponential": {"base": 3, "factor": 4, "cap": 500}, "jitter": "full"}),
            judging=compact({"success": {"status": ["2xx", "409"], "body": "ok"}, "stop_on": ["418"]}),
            retry_until=at(h=2, m=1, s=40),
            redact=compact(["x-own", "body"]),
            flow_id=GATE["flow-pinned"],
            lane_id=GATE["lane-other"],
            ack_within_us=11 * MINUTE,
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        job("soon", "scheduled", at(s=3)),
        job("named", "scheduled", at(s=4), staged_at=at(s=4), staged_count=1),
        job("snoozed", held_until=at(s=5), staged_count=3, due=at(s=-40)),
        job(
            "later",
            "scheduled",
            at(d=2),
            host="rich.example",
            url="https://rich.example/path/other",
            lane_id=GATE["lane-shop"],
        ),
        job("keyed", idempotency_key="key-1"),
        job("windowed", "scheduled", at(m=6)),
        job("retry", "retryable", at(s=90), attempt=2, attempted_at=at(s=-31), staged_count=2),
        job("retry-due", "retryable", at(s=-1), attempt=1, attempted_at=at(s=-32), staged_count=1),
        job("retry-last", "retryable", at(m=3), attempt=4, attempted_at=at(m=-2), max_attempts=5),
        job("retry-aged", "retryable", at(m=4), attempt=1, attempted_at=at(m=-3), retry_until=at(m=5)),
        job("retry-now", "retryable", at(), attempt=1, attempted_at=at(s=-33)),
        job("hook-retry", "retryable", at(m=7), attempt=3, attempted_at=at(m=-4), host="host-failing.example"),
        parked("at-flow", "flow-shop", at(s=-50), **flow),
        parked("at-flow-next", "flow-shop", at(s=-49), **flow),
        parked("at-full", "flow-full", at(s=-48), **full),
        parked("at-host", "host-closed", at(s=-47), host="closed.example"),
        parked("at-host-next", "host-closed", at(s=-46), host="closed.example"),
        parked("at-probing", "host-probing", at(s=-45), host="probing.example"),
        parked("at-lane-head", "lane-user", at(s=-44), **lane),
        parked("at-lane-next", "lane-user", at(s=-43), **lane),
        parked("at-stopped", "lane-stopped", at(m=-10, us=1), lane_id=GATE["lane-stopped"]),
        parked("at-account", "account-", at(m=-10)),
        job("flow-ready", due=at(s=-6), **flow),
        job("flow-soon", "scheduled", at(s=8), **flow),
        job("narrow-ready", due=at(s=-5), **narrow),
        job("narrow-next", due=at(s=-4), **narrow),
        job("rested-ready", due=at(s=-3), flow_id=GATE["flow-rested"]),
        job("lane-first", due=at(s=-2), lane_id=GATE["lane-stops"]),
        job("lane-second", due=at(s=-1), lane_id=GATE["lane-stops"]),
        job("closed-ready", host="closed.example"),
        job("probe-ready", host="probing.example"),
    ]


def _held():
    return [
        under_way("running", notify=NOTIFY | {"callback_on": "attempt"}, body='{"a": 1}', redact='["x-own"]'),
        under_way("running-last", attempt=5, max_attempts=5, notify=NOTIFY),
        under_way("running-long", lease_s=850, timeout_ms=7_200_000),
        under_way("running-flow", flow_id=GATE["flow-shop"], host="resting.example"),
        under_way("running-lane", lane_id=GATE["lane-stops"]),
        under_way("lost", lease_s=-5, notify=NOTIFY | {"callback_on": "attempt"}),
        under_way("lost-edge", lease_s=0),
        under_way("lost-later", lease_s=0.000_001),
        under_way("lost-again", lease_s=-4, attempt=2, crashes=1),
        under_way("crashed", lease_s=-3.5, attempt=2, crashes=1, timeout_ms=1_500),
        under_way("crashed-next", lease_s=-3.25, attempt=2, crashes=1),
        under_way("lost-third", lease_s=-3, attempt=3, crashes=2),
        under_way("lost-last", lease_s=-2, attempt=6, max_attempts=6, notify=NOTIFY),
        under_way("lost-lane", lease_s=-1, attempt=7, max_attempts=7, lane_id=GATE["lane-stops"]),
        under_way("cancelled-running", state="cancelled", cancelled_at=at(s=-8)),
        under_way("cancelled-lost", lease_s=-6, state="cancelled", cancelled_at=at(s=-9)),
        under_way("cancelled-ack", lease_s=70, state="cancelled", cancelled_at=at(s=-10)),
        under_way("acking", lease_s=600, ack_until=at(s=600), ack_within_us=601 * SECOND),
        under_way("acked", NO, ack_until=at(s=500), ack_within_us=602 * SECOND, lane_id=GATE["lane-other"]),
        under_way("acked-bad", NO, ack_until=at(s=400), ack_within_us=603 * SECOND, redact='["body"]', notify=NOTIFY),
        under_way("ack-over", lease_s=-7, ack_until=at(s=-7), ack_within_us=604 * SECOND, attempt=2),
        under_way("ack-edge", lease_s=0, ack_until=at(), ack_within_us=605 * SECOND, attempt=8, max_attempts=8),
        under_way("ack-early", lease_s=60, ack_within_us=606 * SECOND),
        *(
            under_way(name, NO, url=f"listener://{listener}/{name}?q={place}", host=f"{listener}.listener")
            for place, (name, listener) in enumerate(
                {
                    **{"listened": "laptop", "taken": "laptop", "answered": "laptop", "answered-error": "laptop"},
                    **{
                        "away": "laptop",
                        "silent-listener": "laptop",
                        "heard-late": "laptop",
                        "heard-early": "laptop",
                        "other-listener": "desk",
                    },
                }.items()
            )
        ),
        under_way("withdrawn", NO, state="cancelled", cancelled_at=at(s=-11), url="listener://laptop/w"),
    ]


NO = (NO_DEADLINE - START) / SECOND


def _ended():
    return [
        ended("done", "completed", 40 * MINUTE, attempt=2),
        ended("done-slow", "completed", 30 * MINUTE, notify=NOTIFY),
        ended("done-old", "completed", 31 * DAY, inserted_at=at(d=-32)),
        ended("done-edge", "completed", 30 * DAY, inserted_at=at(d=-31, h=1)),
        ended("done-young", "completed", 30 * DAY - 1, inserted_at=at(d=-31, h=2)),
        ended("failed", "discarded", 25 * MINUTE, attempt=3, host="shared.example"),
        ended("failed-host", "discarded", 24 * MINUTE, host="shared.example"),
        ended("failed-other", "discarded", 23 * MINUTE),
        ended("failed-old", "discarded", 33 * DAY, inserted_at=at(d=-34), host="shared.example"),
        ended("failed-seen", "discarded", 22 * MINUTE, host="shared.example"),
        ended("given-up", "discarded", 21 * MINUTE, attempt=2, crashes=3),
        job("cancelled", "cancelled", at(m=9), cancelled_at=at(m=-9)),
        job("cancelled-old", "cancelled", at(d=-35), cancelled_at=at(d=-34), inserted_at=at(d=-36)),
        ended("copy", "completed", 19 * MINUTE),
        job("copied", "scheduled", at(m=11)),
        ended("copied-again", "discarded", 18 * MINUTE),
    ]


def _follow_ups():
    parent = {"parent_id": JOB["running"]}
    hook = {"url": "https://all.example/events", "host": "all.example", "endpoint_id": ENDPOINT["all"]}
    alert = {"kind": "alert", "body": '{"type":"incident.opened"}'}

    def to(target, shown):
        args = {"method": "post", "url": shown, "target": TARGET[target]}
        return alert | {"args": compact(args), "host": "hooks.example"}

    return [
        job("set-first", "scheduled", at(m=12), parent_id=JOB["set-first"], idempotency_key="key-set"),
        job("set-second", "scheduled", at(m=12), parent_id=JOB["set-first"]),
        job("callback", kind="callback", **parent, body='{"job":1}', url="https://back.example/ended"),
        job("event-first", kind="event", **parent, **hook, body='{"id":"e1"}'),
        job(
            "event-second", kind="event", **parent, **hook, after_uuid=uuid_of("job", "event-first"), held_until=at(d=1)
        ),
        job(
            "event-third", kind="event", **parent, **hook, after_uuid=uuid_of("job", "event-tried"), held_until=at(h=20)
        ),
        job("event-tried", "retryable", at(s=17), kind="event", **parent, **hook, attempt=1, attempted_at=at(s=-16)),
        job("event-after", kind="event", **parent, after_uuid=uuid_of("job", "no such event"), held_until=at(h=19)),
        job(
            "event-lost",
            kind="event",
            **parent,
            attempt=1,
            crashes=1,
            attempted_at=at(s=-15),
            url="https://lost.example/",
        ),
        job("event-behind-lost", kind="event", **parent, after_uuid=uuid_of("job", "event-lost"), held_until=at(h=18)),
        job("event-off", kind="event", endpoint_id=ENDPOINT["off"], held_until=PAUSED_UNTIL, parent_id=JOB["done"]),
        job("event-gone", kind="event", endpoint_id=ENDPOINT["gone"], parent_id=JOB["done"]),
        job("event-moved", kind="event", endpoint_id=ENDPOINT["moved"], parent_id=JOB["failed"]),
        job("event-own", kind="event", parent_id=JOB["running"], url=NOTIFY["webhook"]),
        job(
            "channel-message",
            kind="channel",
            body='{"content":"hi"}',
            args=compact({"method": "post", "url": "https://discord.example/[redacted]", "channel": "discord"}),
        ),
        job(
            "alert-first",
            "retryable",
            at(s=23),
            attempt=1,
            attempted_at=at(s=-22),
            **to("hook", "https://hooks.example/a"),
        ),
        job(
            "alert-second",
            after_uuid=uuid_of("job", "alert-ended"),
            held_until=at(d=9),
            **to("hook", "https://hooks.example/a"),
        ),
        job(
            "alert-third",
            after_uuid=uuid_of("job", "alert-ended"),
            held_until=at(d=8),
            **to("slack", "https://h.example/"),
        ),
        job("alert-mail", due=at(m=-16), **to("mail", "mailto:ops@mail.example")),
        ended("alert-mail-done", "completed", 50 * MINUTE, **to("mail", "mailto:ops@mail.example")),
        ended("alert-ended", "completed", 17 * MINUTE, **to("hook", "https://hooks.example/a")),
    ]


def _of_schedules():
    def of(name, schedule, fire_at, state="scheduled", due=None, start_by=None, **columns):
        columns = {"schedule_id": SCHEDULE[schedule], "fire_at": fire_at, "start_by": start_by, **columns}
        return job(name, state, fire_at if due is None else due, **columns)

    def running(name, schedule, fire_at, **columns):
        return under_way(name, due=fire_at, schedule_id=SCHEDULE[schedule], fire_at=fire_at, **columns)

    def over(name, schedule, fire_at, state, ago):
        return ended(name, state, ago, schedule_id=SCHEDULE[schedule], fire_at=fire_at)

    return [
        of("hourly-next", "hourly", at(h=1), start_by=at(h=2)),
        of("hourly-due", "hourly", at(), start_by=at(h=1)),
        running("hourly-running", "hourly", at(h=-1), flow_id=GATE["flow-of-schedule"], body='{"p": "$previous.x"}'),
        over("hourly-done", "hourly", at(h=-2), "completed", 119 * MINUTE),
        over("hourly-failed", "hourly", at(h=-3), "discarded", 179 * MINUTE),
        of("daily-next", "daily", at(h=15), due=at(h=15, s=33), start_by=at(h=16)),
        of("cron-next", "cron", at(m=15), start_by=at(m=16)),
        of("cron-due", "cron", at(m=-1), start_by=at(s=1)),
        running("skip-running", "skip", at(m=-10), attempted_at=at(m=-10, us=1)),
        of("skip-behind", "skip", at(s=-9), start_by=at(m=1)),
        running("queue-running", "queue", at(m=-11), attempted_at=at(m=-10)),
        of("queue-waiting", "queue", at(s=-8), start_by=at(m=2), inserted_at=at(s=-8)),
        of("queue-snoozed", "queue", at(m=-5), start_by=at(m=3), held_until=at(s=6)),
        of("allow-old", "allow", at(m=-3), start_by=at(m=4)),
        of("allow-new", "allow", at(s=-7), start_by=at(m=5)),
        of("missed-old", "missed", at(m=-49), start_by=at(m=20)),
        of("missed-older", "missed", at(m=-59), start_by=at(m=19)),
        of("missed-now", "missed", at(s=-1), start_by=at(m=59)),
        of("expired", "fragile", at(m=-2), start_by=at(us=-1)),
        of("expired-paused", "paused", at(m=-4), start_by=at(s=-2), lane_id=GATE["lane-stopped"]),
        of("expired-behind", "skip", at(m=-9), start_by=at(s=-3)),
        of("expired-recent", "behind", at(m=-62), start_by=at(s=-4)),
        of("gone-schedule", "bob-hourly", at(s=-6)) | {"schedule_id": uuid_of("schedule", "deleted")},
        of("off-waiting", "off", at(s=-5), inserted_at=at(h=-5)),
        of("off-edge", "off", at(s=-4.5), inserted_at=at(h=-4, m=1)),
        of("off-new", "off", at(s=-4)),
        of(
            "group-due",
            "group",
            at(s=-3),
            kind="group",
            args=compact({"group": "shops", "method": "post", "name": "set"}),
        ),
        of("filled", "filled", at(d=-3), due=at(s=-3)),
        of("weekly-next", "weekly", at(d=4), start_by=at(d=5)),
        of("calendar-next", "calendar", at(d=1), start_by=at(d=1, h=1)),
        of("calendar-far", "fading", at(d=2), start_by=at(d=2, h=1)),
    ]


def _of_bob():
    return [
        job("bob-ready"),
        job("bob-rich", "scheduled", at(h=1, m=1), idempotency_key="key-1", host="rich.example", notify=NOTIFY),
        ended("bob-failed", "discarded", 26 * MINUTE, host="shared.example"),
        under_way("bob-running", host="running.example"),
        job(
            "bob-parked",
            "scheduled",
            at(s=-60),
            parked_by=GATE["bob-flow-shop"],
            flow_id=GATE["bob-flow-shop"],
            held_until=FAR,
        ),
        job("bob-labeled", "scheduled", at(m=13)),
        job("bob-event", kind="event", endpoint_id=ENDPOINT["bob-all"], parent_id=JOB["bob-running"]),
        job("bob-windowed", "scheduled", at(m=14)),
        job(
            "bob-scheduled", "scheduled", at(h=1), schedule_id=SCHEDULE["bob-hourly"], fire_at=at(h=1), start_by=at(h=2)
        ),
    ]


def rows():
    jobs = sorted(
        [*_waiting(), *_held(), *_ended(), *_follow_ups(), *_of_schedules(), *_of_bob()], key=lambda row: row["id"]
    )
    assert [row["id"] for row in jobs] == list(JOB.values())
    by_name = {row["name"]: row for row in jobs}
    return {
        tables.Job: [_complete(row) for row in jobs],
        tables.JobLabel: list(_labels(by_name)),
        tables.Attempt: list(_attempts(jobs)),
        tables.LogEntry: list(_entries(jobs)),
        tables.Replay: [
            _replay("copy", "copied"),
            _replay("failed-seen", "done-slow"),
            _replay("copy", "copied-again"),
        ],
        tables.Ack: list(_acks()),
    }


def _complete(row):
    """All columns, since rows of one statement have the same."""
    fields = tables.Job._meta.fields.values()
    values = {each.column_name: each.default for each in fields}
    return {name: None if callable(value) else value for name, value in values.items()} | row


LABELS = {
    **{
        "rich": "billing eu-west",
        "ready": "billing",
        "done": "billing-old",
        "failed": "billing",
        "hourly-due": "night",
    },
    **{"retry": "eu-west", "copied": "night", "bob-labeled": "billing", "bob-rich": "eu-west", "failed-old": "billing"},
    **{"done-old": "night", "soon": "b"},
}


def _labels(by_name):
    for name, labels in LABELS.items():
        row = by_name[name]
        for label in labels.split():
            values = {"account_id": row["account_id"], "inserted_at": row["inserted_at"], "job_id": row["id"]}
            yield values | {"label": label}


def _attempts(jobs):
    waits_for_end = [row for row in jobs if row.get("ack_until")]
    over = [row for row in jobs if row.get("attempt") and not row.get("claim_id")]
    for row in [*waits_for_end, *over]:
        for number in range(1, row["attempt"] + 1):
            yield _attempt(row, number)


def _attempt(row, number):
    place = row["id"] % 1000
    is_last = number == row["attempt"]
    outcome, status, reason = (
        REASONS.get(row["name"], ("answered", 200 + place % 5, None))
        if is_last
        else (*("answered", 502, "status_502"),)
    )
    started_at = row["attempted_at"] - (row["attempt"] - number) * 37 * SECOND
    spans = {
        "dns_ms": 1.5,
        "connect_ms": 2.25,
        "tls_ms": 3.125,
        "first_byte_ms": 10.5 + place,
        "total_ms": 20.75 + place,
    }
    return {
        "job_id": row["id"],
        "number": number,
        "started_at": started_at,
        "finished_at": started_at + (40 + place) * MILLISECOND,
        "lateness_us": 1_000 + place,
        "outcome": outcome,
        "status_code": status,
        "reason": reason,
        **(spans if status else dict.fromkeys(spans)),
        "next_at": None if row["state"] in ("completed", "discarded") and is_last else started_at + 37 * SECOND,
    }


def _entries(jobs):
    for row in _attempts(jobs):
        name = next(name for name, number in JOB.items() if number == row["job_id"])
        of_job = next(each for each in jobs if each["id"] == row["job_id"])
        ends = "worker.http.response" if row["outcome"] == "answered" else "worker.http.error"
        for event, instant in (("worker.http.request", row["started_at"]), (ends, row["finished_at"])):
            yield {
                "uuid": uuid_of("log_entry", f"{name} {row['number']} {event}"),
                "account_id": of_job["account_id"],
                "job_id": row["job_id"],
                "schedule_id": of_job.get("schedule_id"),
                "event": event,
                "payload": compact({"attempt": row["number"], "of": name}),
                "inserted_at": instant,
            }


def _replay(old, new):
    return {"replay_of": JOB[old], "job_id": JOB[new]}


def fence_of(name):
    return FENCES + list(JOB).index(name)


def _acks():
    def ack(name, succeeded, body, content_type, received_at, settled_at=None):
        of = {"job_id": JOB[name], "claim_id": fence_of(name), "succeeded": succeeded, "body": body}
        return of | {"content_type": content_type, "received_at": received_at, "settled_at": settled_at}

    yield ack("acked", 1, b'{"rows": 12}', "application/json", at(s=-4))
    yield ack("acked-bad", 0, b"disk full", "text/plain", at(s=-5))
    yield ack("cancelled-ack", 1, None, None, at(s=-6))
    yield ack("done", 1, None, None, at(d=-1, us=-1), at(h=-23))
    yield ack("done-slow", 0, b"x", "text/plain", at(d=-1), at(h=-22))
    yield ack("failed", 0, b"y", "text/plain", at(d=-1, s=-2))
