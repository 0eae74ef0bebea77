"""The jobs of the scenario: each state, kind and outcome, each option once given and once left out."""

import json

from models.jobs.job_tables import Job
from models.jobs.log_events import (
    ANSWER_NOT_KEPT,
    HOST_FAILING,
    HOST_RECOVERED,
    JOB_ACKNOWLEDGED,
    JOB_CANCELLED,
    JOB_CHANGED,
    JOB_DISCARDED,
    REQUEST_FAILED,
    REQUEST_SENT,
    RESPONSE_RECEIVED,
    SCHEDULE_DISABLED,
)
from models.operations.listening.listener_tables import Listener, ListenerRequest
from models.rules.clock import HOUR, MINUTE
from tests.support.recorded_account.fixed import NOW, uuid_of
from tests.support.recorded_account.rows import add_attempt, add_job, add_log, add_replay, at

HOST = "billing.example.com"


def fill(account):
    """The jobs that no schedule and no gate has to do with."""
    waiting(account)
    soon(account)
    under_way(account)
    retrying(account)
    ended(account)
    failed(account)
    about_others(account)


def waiting(account):
    request = {
        "url": "https://shop.example.com/orders/12?full=1",
        "query": {"page": "3"},
        "headers": {"X-Shop": "vienna", "Authorization": "Bearer s3"},
        "timeout": 17,
        "max_attempts": 7,
        "backoff": ["11s", "13m"],
        "callback_url": "https://callback.example.com/done",
        "failure_callback_url": "https://callback.example.com/failed",
        "webhook_url": "https://webhook.example.com/all",
        "flow": {"key": "imports", "rate": 31, "per": "9m", "concurrency": 4},
        "lane": {"key": "customer-5", "on_failure": "stop"},
        "redact": ["body"],
    }
    add_job(
        account,
        "order sync",
        "scheduled",
        "5h 1m",
        "+2h 3m",
        101,
        request,
        ["billing", "customer:31"],
        b'{"order":12,"lines":[{"sku":"a-1"}]}',
        name="order sync",
        description="Sends an order to the warehouse.",
        content_type="application/json",
        host="shop.example.com",
        max_attempts=7,
        timeout_ms=17_000,
        backoff="[11, 780]",
    )
    add_job(account, "plain", "available", "41s", "37s", 102, {"url": "http://plain.example.org/", "method": "get"})
    long_url = f"https://long.example.com/{'path/' * 44}"
    add_job(
        account,
        "long one",
        "scheduled",
        "4h 2m",
        "+6d 5h",
        103,
        {"url": long_url, "method": "head"},
        name="long " * 19,
        host="long.example.com",
    )
    lost = {"attempt": 1, "crashes": 1, "attempted_at": "19m", "held_until": "+3m 7s"}
    add_job(
        account, "held after a crash", "available", "23m", "21m", 104, {"url": "https://crash.example.com/"}, **lost
    )
    held = {"held_until": "+1m 9s"}
    add_job(account, "no share", "available", "3m 1s", "2m 53s", 105, {"url": "https://full.example.com/"}, **held)
    add_job(account, "due right now", "scheduled", "12m 1s", "0s", 107, {"url": "https://now.example.com/"})
    group = {"group": "shops", "method": "put"}
    add_job(account, "for a group", "scheduled", "29m", "+53m", 106, group, kind="group", name="price list")


def soon(account):
    """Jobs whose times lie at the edges of how a length of time is written."""
    ahead = ("+999ms", "+1s", "+59.999s", "+1m", "+59m 59s", "+9h 59m", "+10h 5m", "+24h", "+9d 23h", "+10d 3h")
    computed = ("=1+1", "+1", "-1", "@sum", "\tx", '\'quoted", "')  # by a spreadsheet
    for number, due in enumerate(ahead):
        names = {"name": computed[number]} if number < len(computed) else {}
        labels = ["sheet"] if names else []
        url = f"https://soon.example.com/{number}"
        add_job(
            account,
            f"soon {number}",
            "scheduled",
            f"{9 * number + 1}ms",
            due,
            181 + number,
            {"url": url},
            labels,
            **names,
        )


def under_way(account):
    claimed = {"claim_id": 71, "lease_until": "+47s", "attempted_at": "5s", "attempt": 1, "host": HOST}
    add_job(account, "sending", "executing", "8m 2s", "6s", 111, {"url": f"https://{HOST}/send"}, **claimed)
    awaited = {"claim_id": 72, "attempted_at": "8m", "attempt": 3, "ack_until": "+1h 12m", "ack_within_us": 2 * HOUR}
    acked = {"url": "https://ack.example.com/later", "method": "patch"}
    add_job(account, "to be acknowledged", "executing", "33m", "31m", 112, acked, **awaited)
    for number, (name, seen, taken) in enumerate(
        (("laptop", "14s", "9s"), ("tablet", "59s", None), ("phone", "60s", None))
    ):
        row = add_job(
            account,
            f"for the {name}",
            "executing",
            f"{17 + number}m 3s",
            f"{16 + number}m",
            113 + number,
            {"url": f"listener://{name}/hook"},
            claim_id=73 + number,
            attempted_at=f"{11 + number}s",
            attempt=1,
        )
        Listener.create(account_id=account.id, name=name, seen_at=at(seen))
        ListenerRequest.create(
            uuid=uuid_of(f"request for the {name}"),
            job_id=row.id,
            claim_id=73 + number,
            account_id=account.id,
            listener=name,
            attempt=1,
            request="{}",
            handed_at=at("10s"),
            deadline_at=NOW + (3 + number) * MINUTE,
            taken_at=taken and at(taken),
        )


def retrying(account):
    row = add_job(
        account,
        "stock refresh",
        "retryable",
        "26h",
        "+1h 37m",
        121,
        {"url": "https://stock.example.net/refresh", "method": "put", "backoff": {"exponential": {"base": 3}}},
        ["stock"],
        b"colour=red&size=4",
        name="stock refresh",
        content_type="text/plain; charset=utf-8",
        host="stock.example.net",
        attempt=3,
        attempted_at="44m",
        max_attempts=6,
        backoff="[60, 7200]",
    )
    phases = {"dns_ms": 12.5, "connect_ms": 20.25, "tls_ms": 31.75, "first_byte_ms": 90.5, "total_ms": 130.0}
    add_attempt(row, 1, "25h", "130ms", "61.5s", 503, "status_503", next="24h 59m", **phases, logged=True)
    add_attempt(
        row, 2, "24h 59m", "30s", "1.5ms", None, "timeout", "unreachable", next="45m", connect_ms=14.0, logged=True
    )
    add_attempt(
        row,
        3,
        "44m",
        "1.9s",
        "640ms",
        404,
        "status_404",
        next="+1h 37m",
        first_byte_ms=1800.0,
        total_ms=1900.0,
        logged=True,
    )
    sent = {"method": "put", "url": "https://stock.example.net/refresh", "headers": {"User-Agent": "Booper"}}
    add_log(row, "refresh sent 1", REQUEST_SENT, "25h", attempt=1, **sent, body="colour=red&size=4")
    answer = {"status": 503, "headers": {"Retry-After": "60"}, "body": '{"error":"busy"}', "truncated": True}
    add_log(row, "refresh answered 1", RESPONSE_RECEIVED, "24h 59m 59s", attempt=1, **answer)
    add_log(row, "refresh sent 2", REQUEST_SENT, "24h 59m", attempt=2, **sent, body_left_out=True)
    timed_out = {"reason": "timeout", "elapsed_ms": 30000, "next_at": "2026-03-10T13:50:20.123456Z"}
    add_log(row, "refresh failed 2", REQUEST_FAILED, "24h 58m 30s", attempt=2, **timed_out)
    add_log(row, "refresh sent 3", REQUEST_SENT, "44m", attempt=3, **sent)
    odd = {"status": 404, "headers": {}, "body": None, "unreadable": True}
    add_log(row, "refresh answered 3", RESPONSE_RECEIVED, "43m 58s", attempt=3, **odd)
    add_log(row, "refresh changed", JOB_CHANGED, "43m", scheduled_at="2026-03-10T16:12:20.123456Z")
    overdue = {"attempt": 2, "attempted_at": "3h 4m", "host": "mail.example.org", "max_attempts": 9}
    late = add_job(
        account, "late retry", "retryable", "3h 9m", "2m 4s", 122, {"url": "https://mail.example.org/"}, **overdue
    )
    add_attempt(late, 1, "3h 8m", "7ms", "3ms", None, "connection_refused", "unreachable", next="3h 4m", total_ms=7.0)
    add_attempt(late, 2, "3h 4m", "8ms", "4ms", None, "connection_refused", "unreachable", next="2m 4s", total_ms=8.0)
    for number, status in enumerate((399, 400)):
        answer = {"status": status, "headers": {}, "body": f"at the edge {number}"}
        add_log(late, f"mail answered {status}", RESPONSE_RECEIVED, f"3h 3m {50 + number}s", attempt=2, **answer)


def ended(account):
    row = add_job(
        account,
        "invoice",
        "completed",
        "52m",
        "48m 11s",
        131,
        {"url": f"https://{HOST}/invoices", "headers": {"X-Number": "4711"}, "timeout": 19, "lane": "customer-6"},
        ["billing"],
        b'{"invoice":4711,"customer":"Ada"}',
        name="send invoice",
        content_type="application/json",
        host=HOST,
        attempt=2,
        attempted_at="46m",
        completed_at="45m 50s",
        traceparent="00-1-2-01",
        flow_id=None,
    )
    add_attempt(
        row, 1, "47m", "55ms", "1m 11s", 429, "status_429", next="46m", dns_ms=3.0, first_byte_ms=50.0, total_ms=55.0
    )
    add_attempt(
        row, 2, "46m", "250ms", "60.1s", 201, None, tls_ms=8.0, first_byte_ms=100.0, total_ms=250.0, logged=True
    )
    sent = {"method": "post", "url": f"https://{HOST}/invoices", "headers": {"X-Number": "4711"}}
    add_log(row, "invoice sent 2", REQUEST_SENT, "46m", attempt=2, **sent, body='{"invoice":4711,"customer":"Ada"}')
    good = {"status": 201, "headers": {"Location": "/invoices/9"}, "body": '{"id":9}'}
    add_log(row, "invoice answered 2", RESPONSE_RECEIVED, "45m 55s", attempt=2, **good)
    add_log(row, "invoice acknowledged", JOB_ACKNOWLEDGED, "45m 50s", attempt=2, succeeded=True)
    add_log(
        row, "host fails", HOST_FAILING, "45m 49s", host=HOST, failures=20, next_probe_at="2026-03-10T14:41:20.123456Z"
    )
    add_log(row, "host recovered", HOST_RECOVERED, "45m 48s", host=HOST)
    add_log(row, "answer not kept", ANSWER_NOT_KEPT, "45m 47s", reason="body_too_large")
    add_log(row, "schedule disabled", SCHEDULE_DISABLED, "45m 46s", reason="status_410", failures=6)
    again = [
        add_job(
            account,
            f"invoice again {number}",
            "completed",
            f"{40 - number}m",
            f"{40 - number}m",
            132 + number,
            {"url": f"https://{HOST}/invoices/{number}"},
            completed_at=f"{39 - number}m",
            host=HOST,
        )
        for number in range(4)
    ]
    for newer in again:
        add_replay(row, newer)
    cancelled = {"cancelled_at": "1h 21m", "name": "newsletter"}
    row = add_job(
        account,
        "newsletter",
        "cancelled",
        "7h",
        "+3h 8m",
        136,
        {"url": "https://news.example.com/"},
        ["news"],
        **cancelled,
    )
    add_log(row, "newsletter cancelled", JOB_CANCELLED, "1h 21m", reason="cancelled by its owner")
    binary = {
        "content_type": "application/octet-stream",
        "completed_at": "2d 3h",
        "attempt": 1,
        "attempted_at": "2d 4h",
    }
    row = add_job(
        account,
        "binary",
        "completed",
        "2d 5h",
        "2d 4h",
        137,
        {"url": "https://bytes.example.com/"},
        body=b"\x00\xff\x10",
        **binary,
    )
    add_attempt(row, 1, "2d 4h", "70ms", "1ms", 204, None)
    text = json.dumps({"text": "x" * 4200}).encode()
    long_body = {"content_type": "application/json", "completed_at": "3d 2h", "attempt": 1, "attempted_at": "3d 3h"}
    row = add_job(
        account,
        "long body",
        "completed",
        "3d 4h",
        "3d 3h",
        138,
        {"url": "https://large.example.com/"},
        body=text,
        **long_body,
    )
    add_attempt(row, 1, "3d 3h", "90ms", "59.9s", 202, None, total_ms=90.0)


def failed(account):
    row = add_job(
        account,
        "welcome mail",
        "discarded",
        "5h 30m",
        "5h 20m",
        141,
        {"url": "https://mail.example.org/welcome"},
        ["mail", "news"],
        name="welcome mail",
        host="mail.example.org",
        attempt=4,
        attempted_at="5h 10m",
        discarded_at="5h 9m",
        max_attempts=4,
    )
    add_attempt(row, 4, "5h 10m", "27ms", "2s", 401, "status_401", total_ms=27.0)
    add_log(row, "welcome discarded", JOB_DISCARDED, "5h 9m", reason="status_401", attempt=4)
    for number, (host, reason, ago) in enumerate(
        (
            ("mail.example.org", "status_401", "6h 40m"),
            ("tls.example.org", "certificate_expired", "23h 59m"),
            ("tls.example.org", "certificate_expired", "24h"),
            ("tls.example.org", "certificate_expired", "24h 1m"),
            ("", "blocked_url", "50m"),
            ("Not A Host", "status_302", "51m 30s"),
            ("old.example.org", "strange_reason", "6d 23h"),
            ("older.example.org", "dns", "7d 1h"),
            ("tls.example.org", "certificate_expired", "20h 30m"),
        )
    ):
        failure = {"host": host, "attempt": 1, "attempted_at": ago, "discarded_at": ago, "max_attempts": 1}
        url = f"https://{host or 'nowhere'}/{number}".replace(" ", "-")
        row = add_job(
            account, f"failed {number}", "discarded", f"{ago} {number + 1}s", ago, 142 + number, {"url": url}, **failure
        )
        status = int(reason[7:]) if reason.startswith("status_") else None
        outcome = "answered" if status else "refused" if reason == "blocked_url" else "unreachable"
        add_attempt(row, 1, ago, f"{31 + number}ms", f"{5 + number}ms", status, reason, outcome, total_ms=31.0 + number)
    again = {"host": "tls.example.org", "completed_at": "19h"}
    newer = add_job(
        account, "failed 8 again", "completed", "19h 1m", "19h 1m", 152, {"url": "https://tls.example.org/8"}, **again
    )
    add_replay(Job.get_by_id(150), newer)
    unsent = {"discarded_at": "1h 1m", "max_attempts": 8}
    add_job(account, "never sent", "discarded", "1h 5m", "1h 2m", 153, {"url": "https://never.example.com/"}, **unsent)
    lost = {"discarded_at": "1h 41m", "attempt": 3, "attempted_at": "1h 43m", "crashes": 3, "max_attempts": 5}
    row = add_job(account, "lost", "discarded", "1h 49m", "1h 47m", 151, {"url": "https://lost.example.com/"}, **lost)
    add_attempt(row, 3, "1h 43m", "2m", "9ms", None, "crashed", "lost")


def about_others(account):
    """Callbacks, events and messages, of which some are about the invoice."""
    about = {"parent_id": 131}
    body = json.dumps({"type": "job.finished", "data": {}}).encode()
    add_job(
        account,
        "callback",
        "completed",
        "44m",
        "44m 5s",
        161,
        {"url": "https://callback.example.com/done"},
        kind="callback",
        completed_at="43m 3s",
        **about,
    )
    add_job(
        account,
        "event",
        "available",
        "45m 1s",
        "45m 2s",
        162,
        {"url": "https://events.example.com/"},
        body=body,
        kind="event",
        content_type="application/json",
        **about,
    )
    later = {"after_uuid": uuid_of("event"), "held_until": "+1h"}
    add_job(
        account,
        "later event",
        "available",
        "44m 1s",
        "44m 2s",
        163,
        {"url": "https://events.example.com/2"},
        body=body,
        kind="event",
        **about,
        **later,
    )
    add_job(
        account,
        "to a channel",
        "scheduled",
        "11m",
        "+4m",
        164,
        {"url": "https://discord.com/***", "channel": "discord"},
        kind="channel",
        host="discord.com",
    )
    add_job(
        account,
        "message of an alert",
        "completed",
        "13m",
        "12m 30s",
        165,
        {"url": "https://hooks.slack.com/***"},
        kind="alert",
        completed_at="12m 20s",
        name="Backup fails",
        host="hooks.slack.com",
    )
    muted = {"after_uuid": uuid_of("message of an alert"), "held_until": "+2h"}
    add_job(
        account,
        "next message of an alert",
        "available",
        "9m 9s",
        "9m 8s",
        166,
        {"url": "https://hooks.slack.com/***"},
        kind="alert",
        **muted,
    )
