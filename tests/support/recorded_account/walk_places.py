"""The overview, the timeline, failures, flows, lanes, hosts, groups, calendars, operations."""

from collections import Counter

from models.accounts.account_tables import Account
from models.database.sql import execute
from models.jobs.job_tables import Attempt, LogEntry
from models.jobs.log_events import REQUEST_SENT
from models.jobs.records import AttemptRow
from models.rules.clock import MILLISECOND, SECOND
from tests.support.recorded_account.fixed import NOW, of_bob, uuid_of
from tests.support.recorded_account.markup import anywhere, attributes_of_page, brief, chosen, few, heads, lines, said
from tests.support.recorded_account.settings import add_minute
from tests.support.rows import make_jobs

BULK = (
    *("action=cancel", "action=cancel&state=scheduled", "action=retry&state=discarded&label=mail", "action=retry"),
    *(
        "action=cancel&label=nobody",
        "action=retry&state=discarded&kind=event",
        "action=delete",
        "action=cancel&state=odd",
    ),
    *("action=retry&state=discarded&host=tls.example.org&reason=certificate_expired&group=1",),
    *("action=retry&state=discarded&host=&reason=blocked_url&group=1&failed_after=2026-03-10T00:00:00Z",),
    *("action=cancel&host=mail.example.org&state=retryable", "action=cancel&text=order+sync&until=0"),
)


def figures(root):
    """What a timeline says, without its marks."""
    yield from heads(".tl-moving", ".tl-plot")(root)
    yield from chosen("figcaption", ".tl-rows", ".tl-empty", "h1", ".bad-card", "text.tl-time")(root)


def walk(visits):
    overview(visits)
    failures(visits)
    gates(visits)
    groups(visits)
    operations(visits)


def tabs(root):
    """The tabs of a section, each with where it leads."""
    for nav in (each for each in root if each.kind == "nav.tabs"):
        for each in nav.elements:
            yield from lines(each)


def overview(visits):
    visits.page("overview", "/")
    visits.page("frame", "/", anywhere(".skip", "header.side", "dialog", "#unreachable"))
    visits.page("frame", "/", attributes_of_page)
    for path in ("/jobs", "/schedules", "/flows", "/keys"):
        visits.page("frame", path, tabs)
    visits.page(
        "overview-parts", "/", chosen("h1", ".head", "#troubles"), headers={"Booper-Part": "1", "Accept": "text/html"}
    )
    for query in ("span=5m", "span=15m&height=long", "span=6h", "span=24h", "span=7d", "span=odd&height=odd"):
        visits.page("timelines", f"/timeline?{query}", figures)
    for scope in (
        "host=billing.example.com",
        "label=billing",
        "flow=slow",
        f"schedule={uuid_of('late')}",
        "host=no.example",
    ):
        visits.page("timelines", f"/timeline?{scope}&span=24h", figures)
    visits.page("timelines", "/timeline?host=a%20b", brief)
    dense(visits)
    troubled(visits)


def looks_of_marks(root):
    """How many marks have each look."""
    marks = [each for each in root if "data-key" in each.attributes]
    return [f"{number} x {kind}" for kind, number in sorted(Counter(each.elements[0].kind for each in marks).items())]


def dense(visits):
    """More attempts than a timeline has marks for."""
    with visits.undone():
        account = Account.get(Account.name == "alice")
        jobs = make_jobs(account, [-61 - number * 7 for number in range(403)], "completed", host="dense.example.com")
        attempts, entries = [], []
        for number, job_id in enumerate(jobs):
            began_at, reason = NOW - (61 + number * 7) * SECOND, "status_500" if number % 3 else None
            took, status = (number + 1) * MILLISECOND, 500 if reason else 200
            row = AttemptRow(job_id, 1, began_at, began_at + took, 1000 + number, "answered", status, reason)
            attempts.append(row._asdict())
            entry = {"account_id": account.id, "job_id": job_id, "event": REQUEST_SENT, "payload": "{}"}
            entries.append(entry | {"uuid": uuid_of(f"dense {number}"), "inserted_at": began_at})
        Attempt.insert_many(attempts).execute()
        LogEntry.insert_many(entries).execute()
        bars = chosen("figcaption", ".tl-rows", ".tl-bar")
        visits.page("timelines", "/timeline?host=dense.example.com", bars)
        visits.page("hosts-found", "/hosts?text=dense", few)
        visits.page("timelines", "/timeline?host=dense.example.com&span=6h", looks_of_marks)


def troubled(visits):
    """The cards and the line of an installation and an account that are not well."""
    cards = chosen("#troubles", ".health-waiting", "@failing")
    with visits.undone():
        execute("UPDATE operator_watch SET looked_at = %s, watcher = 'w'", (NOW - 120_000_000,))
        names = "uuid, account_id, alert_id, alert_name, type, subject, title, detail, opened_at, is_flapping, subjects"
        for number, (kind, title) in enumerate((("backlog", "Delivery"), ("disk", "The disk"))):
            values = (
                uuid_of(kind),
                0,
                0,
                "operator",
                kind,
                f"booper:{kind}",
                title,
                "",
                NOW - (number + 3) * 601_000_000,
                0,
                1,
            )
            execute(f"INSERT INTO incident ({names}) VALUES ({', '.join(['%s'] * 11)})", values)
        for count in (80, 1):  # to 99 jobs that are due, and to 100
            make_jobs(Account.get(Account.name == "alice"), range(-count, 0), host="late.example.com")
            visits.page("overview-parts", "/", cards)
        execute("UPDATE operator_watch SET looked_at = %s", (NOW - 120_000_001,))
        visits.page("overview-parts", "/", chosen("#troubles"))
    for completed, failed, late in (
        (99, 1, ""),
        (989, 11, "50s"),
        (95, 5, "61s"),
        (949, 51, ""),
        (0, 0, ""),
        (1, 0, "2h"),
    ):
        with visits.undone():
            execute("DELETE FROM minute_stat")
            if completed:
                add_minute(Account.get(Account.name == "alice"), 1, completed, failed, late)
            cards = said(".health-success", ".health-attempts", ".health-lateness", ".health-hosts")
            visits.page("overview-cards", "/", cards)


def failures(visits):
    visits.page("failures", "/failures")
    searches = (
        "span=all",
        "span=1h",
        "span=7d",
        "after=2026-03-10T08:00&before=2026-03-10T10:00",
        "before=x",
        "span=odd",
    )
    visits.pages("failures-found", *(f"/failures?{each}" for each in searches))
    visits.pages(
        "failures-found",
        "/failures?after=2026-03-10T13:00&zone=Europe/Vienna",
        "/failures?after=2026-03-10&before=2026-03-09",
    )
    edge = "2026-03-10T09:25:20.123456Z"  # when the welcome mail failed
    visits.pages("failures-found", f"/failures?span=all&before={edge}", f"/failures?after={edge}")
    visits.page("failures-found", "/failures/badge", lines)
    group = {"state": "discarded", "host": "tls.example.org", "reason": "certificate_expired"}
    retrying = {"state": "retryable", "host": "mail.example.org", "reason": "connection_refused"}
    visits.send("failures-found", "/failures/again", then=few, **group)
    visits.send("failures-found", "/failures/again", then=few, **group, after="2026-03-09T14:35:20.123456Z")
    visits.send("failures-found", "/failures/again", then=few, **group, before="2026-03-01T00:00:00Z")
    visits.send("failures-found", "/failures/again", then=few, **group, after="x")
    visits.send("failures-found", "/failures/again", then=few, **retrying)


def gates(visits):
    visits.page("flows", "/flows")
    for key in ("imports", "only at once", "paused flow", "resting flow", "slow", "rested", "nobody's"):
        visits.page(
            "flows",
            f"/flows/one?key={key}",
            lines if key in ("imports", "slow") else chosen(".head", "#flow", "form.filters", ".card"),
        )
    visits.pages(
        "flows-found", "/flows?text=FLOW", "/flows?text=nothing", "/flows?text=" + "x" * 129, "/flows?cursor=x"
    )
    limits = (
        {"rate": "7", "per": "3m", "concurrency": ""},
        {"rate": "", "per": "", "concurrency": "9"},
        {},
        {"rate": "0", "per": "1s"},
        {"rate": "x"},
    )
    for each in limits:
        visits.send("flows-found", "/flows/limits", key="imports", **each)
    visits.send("flows-found", "/flows/limits", key="nobody's", rate="1", per="1s")
    visits.send("flows-found", "/flows/reset", then=lambda root: [*brief(root), *chosen(".figures")(root)], key="slow")
    visits.page("lanes", "/lanes")
    visits.pages("lanes", "/lanes?text=customer", "/lanes?text=nothing")
    visits.page("hosts", "/hosts")
    visits.pages("hosts-found", "/hosts?show=failing", "/hosts?text=mail", "/hosts?text=nothing")
    visits.page("hosts-found", "/hosts?show=failing&text=tls", lines)
    keys = (
        ("flows", "slow", "paused flow"),
        ("lanes", "customer-5", "stopped"),
        ("hosts", "billing.example.com", "paused.example.com"),
    )
    for place, key, paused in keys:
        visits.send(
            "pauses",
            f"/{place}/pause",
            key=key,
            reason="moving",
            until="2026-03-10T16:00",
            zone="Europe/Vienna",
            text="e",
        )
        visits.send("pauses", f"/{place}/pause", key=key, show="failing")
        visits.send(
            "pauses", f"/{place}/pause", key=key, until="2026-03-10T15:00", zone="Europe/Vienna", reason="typed"
        )
        visits.send("pauses", f"/{place}/pause", key=key, until="2026-03-10T16:00", zone="Mars/Olympus")
        visits.send("pauses", f"/{place}/pause", key=key, reason="x" * 256)
        visits.send("pauses", f"/{place}/resume", key=paused, text="a")
        visits.send("pauses", f"/{place}/resume", key="nobody.example")
        visits.send("pauses", f"/{place}/pause", key="two words", show="failing")
    visits.send("pauses", "/hosts/resume", key="mail.example.org", show="failing")
    visits.send("pauses", "/hosts/pause", key="NEW.example.com", reason="not yet")
    paused_account(visits)


def paused_account(visits):
    visits.send(
        "pauses", "/pause", then=chosen(".note", ".why", "#pause-account"), reason="we move", until="2026-03-12T09:30"
    )
    visits.send("pauses", "/pause", then=chosen(".note", ".why"))
    visits.send("pauses", "/pause", then=brief, until="2026-03-01T00:00", reason="too late")
    with visits.undone():
        visits.browser.send("/pause", reason="holiday")
        visits.page("pauses", f"/jobs/{uuid_of('plain')}", chosen(".why"))
        visits.page("pauses", "/keys", chosen(".why", "h1"))
        visits.page("pauses", "/", chosen(".health-waiting"))
        visits.page("pauses", "/hosts", chosen(".head"))
        answer = visits.browser.send("/resume")
        visits.note("pauses", "POST /resume", answer)
        visits.page("pauses", answer.location, chosen(".note", ".why", "h1"))


def groups(visits):
    good = '[{"name": "linz", "url": "https://linz.example.com/", "headers": {"X-A": "b"}}]'
    visits.page("groups", "/groups")
    visits.pages("groups", "/groups/shops", "/groups/mirrors", "/groups/nobody", what=lines)
    for name, targets in (("new", good), ("shops", good), ("two words", "[]"), ("new", '[{"name": ""}]'), ("new", "{")):
        visits.send("groups-changed", "/groups", name=name, targets=targets)
    for name, targets in (("shops", good), ("shops", '[{"url": 1}]'), ("nobody", good)):
        visits.send("groups-changed", f"/groups/{name}", targets=targets)
    visits.send("groups-changed", "/groups/mirrors/delete")
    visits.page("calendars", "/calendars")
    visits.pages(
        "calendars",
        "/calendars/holidays-at",
        "/calendars/unused",
        "/calendars/stocktaking",
        "/calendars/no",
        what=lines,
    )
    for name, days in (
        ("new", "2026-05-01\n\n2026-07-01 to 2026-07-09"),
        ("unused", "2026-05-01"),
        ("a b", "may"),
        ("new", "2026-07-09 to 2026-07-01"),
    ):
        visits.send("calendars-changed", "/calendars", name=name, days=days)
    for name, days in (
        ("holidays-at", "2026-12-24 to 2027-01-06\r\n2026-03-11"),
        ("holidays-at", "may"),
        ("nobody", ""),
    ):
        visits.send("calendars-changed", f"/calendars/{name}", days=days)
    visits.send("calendars-changed", "/calendars/unused/delete")
    visits.send("calendars-changed", "/calendars/holidays-at/delete")


def operations(visits):
    visits.page("operations", "/operations")
    for number in range(6):
        visits.page("operations", f"/operations/{uuid_of(f'operation {number}')}")
    visits.page("operations", f"/operations/{of_bob('operation 0')}", brief)
    visits.send("operations", f"/operations/{uuid_of('operation 0')}/cancel", then=lines)
    visits.send("operations", f"/operations/{uuid_of('operation 3')}/cancel")
    for query in BULK:
        visits.page("bulk", f"/jobs/bulk?{query}")
    for query in BULK[:3] + BULK[8:9]:
        fields = dict(part.split("=") for part in query.split("&"))
        visits.send(
            "bulk", "/jobs/bulk", then=chosen("h1", ".facts", "#operation"), **fields, once=uuid_of("once"), until="400"
        )
    visits.send("bulk", "/jobs/bulk", action="delete")
