"""Measures how long the server takes for each page of the dashboard, with many jobs of the account in the table."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator

import requests

from api.dashboard.timelines.spans import SPANS
from bench.clients import Line, octets
from bench.figures import Figures, percentile
from bench.session import WEEK, Session, add_jobs, model_job, settle_tables
from bench.targets import Target
from tests.support.journeys.client import now_us
from tests.support.journeys.product import Production

PARTS = {"scheduled": 0.4, "completed": 0.4, "retryable": 0.1, "discarded": 0.1}
LOGGED = 200_000
SCHEDULES, INSTANTS = 1_000, 200  # INSTANTS: of each schedule
LIMIT_S = 10
COMING_PER_S = 100  # jobs that are created and sent while pages are requested
KB = 1000
# The address of each page by its name. {…}: the id of an existing row, or a cursor.
PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "jobs of a state": "/jobs?state=completed",
    "jobs, second page": "{older}",
    "jobs by a text that none has": "/jobs?text=nowhere",
    "jobs that are overdue": "/jobs?due=overdue",
    "job that waits": "/jobs/{waiting}",
    "job that failed": "/jobs/{failed}",
    "new job": "/jobs/new?from={failed}",
    "results of a search": "/find/results?q=host-1",
    "schedules": "/schedules",
    "schedule": "/schedules/{schedule}",
    "failures": "/failures",
    "logs": "/logs",
    "log entry": "/logs/{entry}",
    "hosts": "/hosts",
    "flows": "/flows",
    "lanes": "/lanes",
    "groups": "/groups",
    "calendars": "/calendars",
    "operations": "/operations",
    "alerts": "/alerts",
    "keys": "/keys",
    "signing keys": "/signing-keys",
    "channels": "/channels",
    "endpoints": "/endpoints",
    "cancel all": "/jobs/bulk?action=cancel",
    "run a group again": "/jobs/bulk?action=retry&state=discarded&host=host-1&reason=status_500&group=1",
}
TIMELINES = {f"timeline of {span.label}": f"/timeline?span={span.name}" for span in SPANS}


def rounds(session: Session) -> Iterator[Figures]:
    """The p95 of each page, requested one after another by a signed-in client while other jobs come; and the largest
    answer of a timeline."""
    count, requests_each = session.size(1_000_000, 20_000), session.size(40, 20)
    with session.production() as product, Target() as target:
        session.tell(f"pages: making {count} jobs")
        model = fill(product, count)
        cookie = signed_in(product)
        for _ in session.each_round("pages"):
            with jobs_coming(product, target):
                yield figures_of(product, addresses(product, model, cookie), cookie, requests_each)


def figures_of(product: Production, addresses: dict[str, str], cookie: str, requests_each: int) -> Figures:
    figures, largest = {}, 0
    for name, path in addresses.items():
        answers = answered(product, path, cookie, requests_each)
        figures[f"{name}, ms"] = percentile([ms for ms, _ in answers], 95)
        if name in TIMELINES:
            largest = max(largest, *(size for _, size in answers))
    return figures | {"largest timeline, kB": largest / KB}


def addresses(product: Production, model: int, cookie: str) -> dict[str, str]:
    """The address of each page and timeline, with the ids of existing rows."""
    ids = {
        "waiting": model,
        "failed": product.sql("SELECT id FROM job WHERE state = 'discarded' ORDER BY id DESC LIMIT 1")[0][0],
        "schedule": product.sql("SELECT id FROM schedule LIMIT 1")[0][0],
        "entry": product.sql("SELECT uuid FROM log_entry LIMIT 1")[0][0],
        "older": older(product, cookie),
    }
    return {name: path.format_map(ids) for name, path in (PAGES | TIMELINES).items()}


@contextlib.contextmanager
def jobs_coming(product: Production, target: Target) -> Iterator[None]:
    """Create jobs that are due at once, at a steady rate, and let them be sent."""
    body = {"url": f"http://127.0.0.1:{target.port}/ok", "schedule_in": 0, "headers": {"X-Nonce": "bench"}}
    request = octets("POST", "/api/jobs", product.key, json.dumps(body).encode())
    stop = threading.Event()

    def create() -> None:
        line, began, created = Line(product.port), time.monotonic(), 0
        while not stop.wait(max(0.0, began + created / COMING_PER_S - time.monotonic())):
            status, answer = line.ask(request)
            assert status == 201, answer
            created += 1
        line.close()

    thread = threading.Thread(target=create, name="jobs coming")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LIMIT_S)


def fill(product: Production, count: int) -> int:
    """Add `count` jobs in four states, attempts of the failed ones, and a long log; returns the id of the model job."""
    model = model_job(product, 9)
    for state, part in PARTS.items():
        due_at = now_us() + (WEEK if state in ("scheduled", "retryable") else -WEEK)
        add_jobs(product, model, int(count * part), state, due_at)
    product.sql("UPDATE job SET inserted_at = inserted_at + id")  # the copies have one instant
    failed = "state IN ('retryable', 'discarded')"
    product.sql(f"UPDATE job SET attempt = 1, attempted_at = inserted_at, host = 'host-' || mod(id, 20) WHERE {failed}")
    product.sql(
        "INSERT INTO attempt (job_id, number, started_at, finished_at, lateness_us, outcome, status_code, reason) "
        "SELECT id, 1, inserted_at, inserted_at + 1000, 500, 'answered', 500, 'status_500' FROM job WHERE " + failed
    )
    product.sql(
        "INSERT INTO log_entry (uuid, account_id, job_id, event, payload, inserted_at) SELECT gen_random_uuid(), "
        'account_id, id, \'worker.http.response\', \'{"status":200,"body":"ok","attempt":1}\', inserted_at + id '
        "FROM job ORDER BY id DESC LIMIT %s",
        (LOGGED,),
    )
    add_schedules(product)
    settle_tables(product)
    return model


def add_schedules(product: Production) -> None:
    """Add copies of a yearly schedule, each with its past instants."""
    order = {"url": "http://127.0.0.1:9/", "cron": "0 0 1 1 *", "name": "yearly"}
    status, answer = product.client().ask("POST", "/api/schedules", order)
    assert status == 201, answer
    columns = ", ".join(
        row[0]
        for row in product.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'schedule'")
        if row[0] != "id"
    )
    product.sql(
        f"INSERT INTO schedule (id, {columns}) SELECT gen_random_uuid(), {columns} FROM schedule, "
        f"generate_series(1, {SCHEDULES})"
    )
    product.sql(
        "INSERT INTO firing (schedule_id, fire_at, status, decided_at) SELECT id, inserted_at - n * 1000000, 'fired', "
        f"inserted_at FROM schedule, generate_series(1, {INSTANTS}) AS g(n)"
    )


def signed_in(product: Production) -> str:
    """The cookie of a signed-in client."""
    with requests.Session() as browser:
        base = f"http://127.0.0.1:{product.port}"
        token = re.search(r'name="csrf" value="([^"]+)"', browser.get(f"{base}/sign-in", timeout=LIMIT_S).text)
        assert token is not None
        form = {"csrf": token[1], "key": product.key}
        answer = browser.post(f"{base}/sign-in", data=form, timeout=LIMIT_S, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return browser.cookies["booper_session"]


def older(product: Production, cookie: str) -> str:
    """The address of the second page of jobs."""
    text = asked_once(Line(product.port), "/jobs", cookie).decode()
    link = re.search(r'href="(/jobs\?cursor=[^"]+)"', text)
    assert link is not None
    return link[1]


def answered(product: Production, path: str, cookie: str, count: int) -> list[tuple[float, int]]:
    """Of each of so many requests: how long the response took, in ms, and how many octets it has."""
    line, answers = Line(product.port), []
    for _ in range(count):
        began = now_us()
        body = asked_once(line, path, cookie)
        answers.append(((now_us() - began) / 1000, len(body)))
    line.close()
    return answers


def asked_once(line: Line, path: str, cookie: str) -> bytes:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: booper_session={cookie}\r\n\r\n"
    status, body = line.ask(request.encode())
    assert status == 200, f"GET {path} was answered {status}: {body[:300]!r}"
    return body
