"""Takes the pictures of the README and the documents: `make pictures` fills a server of its own and opens its pages.

The history is made up and the same each time, but for the time of day. The hosts do not exist, so the jobs to come are
due later than this takes.
"""

import json
import random
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from models.accounts import account_store
from models.database.connection import close_all, open_database
from models.database.transactions import transaction
from models.rules import clock
from models.rules.clock import MILLISECOND, SECOND
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.attempt_rows import attempted_job, note
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Embedded
from tests.support.rows import make_job
from tests.support.waiting import wait_until

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
WINDOW = {"width": 1280, "height": 860}
HOUR_S = 3600
TARGETS = (
    ("send invoice", "https://billing.example.com/invoices", 30),
    ("sync order", "https://shop.example.com/orders/sync", 22),
    ("welcome mail", "https://mail.example.org/welcome", 14),
    ("refresh stock", "https://stock.example.net/refresh", 9),
    ("push notification", "https://push.example.net/send", 20),
    ("update contact", "https://crm.example.com/contacts", 12),
)
SCHEDULES = (
    ("Daily report", "https://reports.example.com/daily", {"cron": "0 9 * * 1-5", "timezone": "Europe/Vienna"}, 0.0),
    ("Exchange rates", "https://rates.example.net/latest", {"repeat_every": [5, "minutes"]}, 0.02),
    ("CRM poll", "https://crm.example.com/poll", {"repeat_every": [2, "minutes"]}, 1.0),
    ("Warm the cache", "https://shop.example.com/cache", {"repeat_every": [15, "minutes"]}, 0.1),
    ("Backup", "https://vault.example.org/backup", {"cron": "30 2 * * *", "timezone": "Europe/Vienna"}, 0.0),
)
TROUBLE_S = range(20 * 60, 27 * 60)  # how long ago the CRM was down


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as other,
        ReceiverProcess(Path(other)) as receiver,
        Embedded(Path(name)) as product,
    ):
        keys = [_schedule(product, *each[:3]) for each in SCHEDULES]
        open_database(f"sqlite:///{product.database_path}")
        fill(keys)
        close_all()
        job = _retried(product, receiver)
        take(product, {"overview": "/", "schedules": "/schedules", "job": f"/jobs/{job}"})


def fill(keys: list[str]) -> None:
    """Write an hour of attempts, the runs of the schedules, and an hour of jobs to come."""
    chance, account = random.Random(7), account_store.account_named("demo", clock.now())
    with transaction():
        for minute in range(60):
            _minute(account, chance, minute)
        for _ in range(260):
            label, url, _ = chance.choice(TARGETS)
            make_job(account, "scheduled", 240 + chance.random() ** 2 * HOUR_S, url, name=label, host=_host(url))
        for key, (_, url, frequency, failing) in zip(keys, SCHEDULES, strict=True):
            _runs(account, chance, key, url, frequency, failing)


def _minute(account, chance, minute):
    """The attempts of one minute so long ago, and their counts."""
    failed = 0
    count = int(18 + 10 * chance.random() + (25 if minute in (8, 9, 31) else 0))
    for _ in range(count):
        label, url, _ = chance.choices(TARGETS, [weight for *_, weight in TARGETS])[0]
        ago_s = minute * 60 + chance.random() * 58 + 2
        is_down = "crm" in url and int(ago_s) in TROUBLE_S
        reason = "status_503" if is_down or chance.random() < 0.008 else None
        failed += reason is not None
        late_us = int(chance.lognormvariate(0.2, 0.8) * MILLISECOND)
        attempted_job(account, ago_s, reason, late_us=late_us, name=label, host=_host(url), args=_args(url))
    note(account, minute, 2 * MILLISECOND, count - failed, failed)


def _runs(account, chance, key, url, frequency, failing):
    """The latest 60 runs of a schedule."""
    every_s = 24 * HOUR_S if "cron" in frequency else 60 * frequency["repeat_every"][0]
    row = Schedule.get(Schedule.id == key)
    for number in range(1, 61):
        reason = "status_401" if chance.random() < failing else None
        ago_s = number * every_s - every_s // 2
        job = attempted_job(account, ago_s, reason, schedule_id=key, args=_args(url), host=_host(url), name=row.name)
        at = clock.now() - ago_s * SECOND
        Firing.create(schedule_id=key, fire_at=at, status="fired", job_id=job.id, lateness_us=900, decided_at=at)
    if failing == 1.0:
        Schedule.update(failures=60).where(Schedule.id == key).execute()


def _retried(product, receiver):
    """The UUID of a job that failed three times before it succeeded, sent by the product itself."""
    order = {"method": "post", "url": receiver.url("/fail-then-ok/3"), "name": "send invoice 4711", "labels": ["shop"]}
    order |= {"body": {"invoice": 4711, "customer": "Ada"}, "backoff": {"fixed": 1}, "max_attempts": 8}
    status, answer = product.client().ask("POST", "/api/jobs", order)
    assert status == 201, answer
    uuid = answer["data"]["id"]
    wait_until(lambda: product.client().get(f"/api/jobs/{uuid}")["data"]["job"]["state"] == "completed", 60, "its end")
    return uuid


def _schedule(product, name, url, frequency):
    status, answer = product.client().ask("POST", "/api/jobs", {"method": "post", "url": url, "name": name} | frequency)
    assert status == 201, answer
    return answer["data"].get("schedule_id") or answer["data"]["id"]


def _args(url):
    return json.dumps({"method": "post", "url": url})


def _host(url):
    return url.split("/")[2]


def take(product, pages):
    """A picture of each page, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_context(color_scheme=scheme, viewport=WINDOW, device_scale_factor=1.5).new_page()
            page.goto(f"http://127.0.0.1:{product.port}/sign-in")
            page.get_by_role("button", name="Sign in with the demo key").click()
            page.wait_for_url(f"http://127.0.0.1:{product.port}/")
            for name, path in pages.items():
                page.goto(f"http://127.0.0.1:{product.port}{path}", wait_until="networkidle")
                page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
