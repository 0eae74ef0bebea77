"""The pages of schedules, and what is done to them."""

from models.accounts.account_tables import Account
from models.database.sql import execute
from tests.support.recorded_account.fixed import NOW, uuid_of
from tests.support.recorded_account.markup import brief, chosen, lines
from tests.support.recorded_account.schedules import add_schedule

TOP = chosen("nav.crumbs", ".head", ".facts", ".note", ".bad-card", "#strip", ".strip", ".legend")


def walk(visits):
    visits.page("schedules", "/schedules")
    visits.page("schedule", f"/schedules/{uuid_of('nightly')}")
    for name in (
        "rates",
        "failed once",
        "off",
        "finished",
        "nameless",
        "unknown",
        "of a group",
        "missed",
        "bob's rates",
    ):
        visits.page("schedule-states", f"/schedules/{uuid_of(name)}", TOP)
    visits.page(
        "schedule-states", f"/schedules/{uuid_of('rates')}", lines, headers={"Booper-Part": "1", "Accept": "text/html"}
    )
    many(visits)
    actions(visits)
    backfills(visits)


def many(visits):
    """More schedules than a page has."""
    with visits.undone():
        account = Account.get(Account.name == "alice")
        for number in range(26):
            add_schedule(
                account,
                f"more {number}",
                f"{100 + number}d",
                {"repeat_every": 60 + number},
                "+5d",
                name=f"More {number}",
            )
        for page in ("", "?page=1", "?page=2", "?page=x", "?page=1234567"):
            visits.page("schedules-many", f"/schedules{page}", lambda root: [*brief(root), *chosen("nav.pager")(root)])


def actions(visits):
    for name in ("rates", "off", "finished", "bob's rates"):
        for action in ("disable", "enable", "fire", "delete"):
            visits.send(
                "schedule-actions",
                f"/schedules/{uuid_of(name)}/{action}",
                then=chosen(".head", ".facts", ".note", ".bad-card", ".why"),
            )
    visits.send("schedule-actions", f"/schedules/{uuid_of('unknown')}/enable", then=brief)
    with visits.undone():
        execute("UPDATE schedule SET disabled_at = %s WHERE id = %s", (NOW, uuid_of("unknown")))
        answer = visits.browser.send(f"/schedules/{uuid_of('unknown')}/enable")
        visits.note("schedule-actions", "POST enable a schedule of a newer version", answer, brief)


def backfills(visits):
    path = f"/schedules/{uuid_of('rates')}/backfill"
    table = chosen(".note", ".bad-card", "@backfills")
    ranges = (
        ("2026-03-10T14:00", "2026-03-10T14:30", ""),
        ("2026-03-10T15:00", "2026-03-10T15:30", "Europe/Vienna"),
        ("2026-03-10T14:30", "2026-03-10T14:00", ""),
        ("", "x", ""),
        ("2026-03-10T14:00", "2026-03-10T14:30", "Mars/Olympus"),
        ("2020-01-01T00:00", "2026-03-10T14:30", ""),
        ("2026-03-10T14:31", "2026-03-10T14:32", ""),
    )
    for first, last, zone in ranges:
        visits.send("backfills", path, then=table, **{"from": first, "to": last, "zone": zone})
    visits.send(
        "backfills",
        f"/schedules/{uuid_of('nightly')}/backfill",
        then=chosen(".bad-card"),
        **{"from": "2026-03-02T00:00", "to": "2026-03-09T00:00"},
    )
    for number in range(2):
        visits.send(
            "backfills",
            f"/backfills/{uuid_of(f'backfill {number}')}/cancel",
            then=table,
        )
