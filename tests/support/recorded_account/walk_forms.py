"""The form of jobs and schedules: empty, filled in, refused, in its other mode; what comes of it; its previews."""

from tests.support.recorded_account.fixed import uuid_of
from tests.support.recorded_account.markup import brief, chosen, lines, said

MADE = chosen(".note", "h1", ".facts", "#ordered", ".url", ".bad-card", "pre")
PLAIN = {"method": "PUT", "url": "https://new.example.com/a?b=c", "when": "now"}
FULL = {
    "method": "PATCH",
    "url": "https://new.example.com/full",
    "headers": "X-A: 1\r\nX-B: two words",
    "body": '{"a": [1, 2]}',
    "body_type": "json",
    "name": "a new one",
    "description": "for a test",
    "timeout": "12.5",
    "max_attempts": "6",
    "backoff": "10s, 2m",
    "flow_key": "imports",
    "flow_rate": "30",
    "flow_per": "2m",
    "flow_concurrency": "5",
    "lane_key": "customer-8",
    "lane_stops": "on",
    "labels": "one, two:2",
    "callback_url": "https://callback.example.com/1",
    "failure_callback_url": "https://callback.example.com/2",
    "webhook_url": "https://callback.example.com/3",
    "more": '{"redact": ["body"], "max_age": "2d"}',
}
RECURRING = {
    "exclude": "2026-12-25, 2026-12-26",
    "calendars": "unused",
    "starts_at": "2026-04-01T00:00",
    "until": "2026-10-01T00:00",
    "max_runs": "77",
    "overlap": "allow",
    "misfire": "skip",
    "zone": "Europe/Vienna",
}
TIMES = {
    "in": {"when": "in", "amount": "90", "unit": "minutes"},
    "at": {"when": "at", "at": "2026-03-11T08:09:10", "offset": "+02:00"},
    "every": {"when": "every", "every": "45", "every_unit": "minutes"},
    "cron": {"when": "cron", "cron": "30 6 * * 1", "timezone": "America/New_York"},
    "no time": {"when": "cron", "cron": "30 6 * *", "timezone": "Mars"},
    "no amount": {"when": "in", "amount": "much", "unit": "minutes"},
    "no instant": {"when": "at", "at": "2026-13-11T08:09"},
    "too soon": {"when": "every", "every": "0.5", "every_unit": "seconds"},
    "a leap": {"when": "cron", "cron": "30 2 * * *", "timezone": "Europe/Vienna"},
    "yearly": {"when": "cron", "cron": "0 0 29 2 *", "timezone": ""},
}
WRONG = {
    "method": "FETCH",
    "url": "ftp://x",
    "headers": "no colon\nA: 1\nA: 2",
    "body": "{",
    "name": "x" * 256,
    "timeout": "0",
    "max_attempts": "0",
    "backoff": "soon",
    "flow_rate": "3",
    "lane_key": " ",
    "labels": "a" * 51,
    "callback_url": "nowhere",
    "failure_callback_url": "mailto:a",
    "webhook_url": "x",
    "exclude": "may",
    "calendars": "nobody",
    "starts_at": "x",
    "until": "2020-01-01T00:00",
    "max_runs": "0",
    "more": '{"url": "https://x.example"}',
    "when": "every",
    "every": "x",
}


def walk(visits):
    forms(visits)
    made(visits)
    changed(visits)
    modes(visits)
    previews(visits)


def forms(visits):
    visits.page("job-form", "/jobs/new")
    visits.pages("job-forms", "/jobs/new?when=cron", "/jobs/new?when=odd")
    for name in ("order sync", "stock refresh", "invoice", "binary", "for a group", "plain", "bob's plain"):
        visits.page("job-forms", f"/jobs/new?from={uuid_of(name)}", brief)
    for name in ("nightly", "rates", "late", "of a group", "unknown", "bob's late"):
        visits.page("schedule-forms", f"/schedules/{uuid_of(name)}/edit", brief)
    visits.page(
        "schedule-forms", f"/schedules/{uuid_of('rates')}/edit", chosen("h1", ".buttons", "form", "#commands-of-form")
    )


def made(visits):
    for fields in (PLAIN, FULL, *({**PLAIN, **TIMES[name]} for name in TIMES)):
        visits.send(
            "jobs-made",
            "/jobs/new",
            then=MADE if fields is FULL else said(".note", "h1", ".facts", ".bad-card", ".problem"),
            **fields,
        )
    visits.send("jobs-made", "/jobs/new", then=MADE, **{**FULL, **TIMES["cron"], **RECURRING})
    visits.send("jobs-made", "/jobs/new", then=lambda root: [*brief(root), *chosen(".problem")(root)], **WRONG)
    visits.send("jobs-made", "/jobs/new", then=brief, **{**PLAIN, "more": '{"group": "nobody"}', "url": ""})
    visits.send("jobs-made", "/jobs/new", then=chosen("h1", ".problem"), **{**PLAIN, "more": "[]"})
    visits.send("jobs-made", "/jobs/new", then=chosen("h1", "tr"), **{**PLAIN, "more": '{"group": "shops"}', "url": ""})
    visits.send("jobs-made", "/jobs/new", then=MADE, **{**PLAIN, "from": uuid_of("binary"), "body_type": "text"})
    visits.send("jobs-made", "/jobs/test", then=MADE, **{**FULL, **TIMES["every"]})
    visits.send("jobs-made", "/jobs/test", then=brief, **{**PLAIN, "url": "x"})


def changed(visits):
    path = f"/schedules/{uuid_of('rates')}/edit"
    top = chosen(".note", "h1", ".facts", ".bad-card", ".problem", "pre.line")
    visits.send("schedule-forms", path, then=top, **{**PLAIN, **TIMES["every"], "name": "Renamed"})
    visits.send(
        "schedule-forms", path, then=top, **{**PLAIN, **TIMES["cron"], "overlap": "allow", "calendars": "unused"}
    )
    visits.send("schedule-forms", path, then=brief, **{**PLAIN, "url": "x", **TIMES["no time"]})
    visits.send("schedule-forms", path, then=brief, **PLAIN)
    same = {"when": "every", "every": "90", "every_unit": "seconds"}  # spelled in another way
    visits.send(
        "schedule-forms", f"/schedules/{uuid_of('late')}/edit", then=top, **{**PLAIN, **same, "name": "As often"}
    )


def modes(visits):
    visits.send("form-modes", "/jobs/new/mode", **{**FULL, **TIMES["in"]})
    visits.send(
        "form-modes",
        "/jobs/new/mode",
        mode="json",
        json='{"url": "https://json.example.com/", "cron": "0 9 * * *", "labels": ["x"], "body": {"a": 1}}',
    )
    visits.send("form-modes", "/jobs/new/mode", mode="json", json='{"url": 1, "odd": 2}')
    visits.send("form-modes", "/jobs/new/mode", mode="json", json='{"group": "shops"}')
    visits.send("form-modes", "/jobs/new/mode", mode="json", json="{")
    visits.send("form-modes", f"/schedules/{uuid_of('rates')}/edit/mode", **{**PLAIN, **TIMES["every"]})
    visits.send("form-modes", "/jobs/new", then=lines, mode="json", json='{"url": 1, "odd": 2}')
    visits.send(
        "form-modes",
        "/jobs/new",
        then=MADE,
        mode="json",
        json='{"url": "https://json.example.com/", "schedule_in": 60}',
    )


def previews(visits):
    for fields in TIMES.values():
        query = "&".join(f"{field}={value.replace('+', '%2B')}" for field, value in fields.items())
        visits.page("previews", f"/jobs/preview?{query}")
    visits.pages(
        "previews",
        "/jobs/preview?when=now",
        "/jobs/preview/retries?",
        "/jobs/preview/retries?max_attempts=1",
        what=lines,
    )
    visits.pages(
        "previews",
        "/jobs/preview/retries?max_attempts=4&backoff=10s,+2m",
        "/jobs/preview/retries?max_attempts=x",
        what=lines,
    )
    visits.pages(
        "previews",
        "/jobs/preview/retries?max_attempts=9&backoff=1m",
        "/jobs/preview/retries?max_attempts=10&backoff=1m",
        what=lines,
    )
    for fields in (FULL, {**FULL, **TIMES["every"]}, {**PLAIN, **TIMES["in"], "lane_key": "a"}, {**PLAIN, "url": ""}):
        visits.send("commands", "/jobs/new/commands", then=lines, **fields)
    plain = {**PLAIN, **TIMES["cron"], "overlap": "allow", "misfire": "all", "name": "é", "description": "of a shell"}
    visits.send("commands", "/jobs/new/commands", then=lines, **{**plain, "timeout": "9", "max_attempts": "3"})
    about = {"webhook_url": "https://callback.example.com/4", "callback_url": "https://callback.example.com/5"}
    visits.send("commands", "/jobs/new/commands", then=lines, **{**PLAIN, **TIMES["at"], **about, "headers": "A: b"})
    visits.send(
        "commands",
        "/jobs/new/commands",
        then=lines,
        **{**PLAIN, "url": "", "more": '{"group": "shops", "cron": "0 1 * * *"}'},
    )
