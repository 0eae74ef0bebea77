"""The pages of the place "Settings", signing in and out, the status page, errors, an account without anything."""

from api.dashboard import sessions
from models.database.sql import execute
from runtime import settings as booper_settings
from tests.support.apps import PAGES, app_of
from tests.support.browsers import Browser, signed_in
from tests.support.recorded_account.fixed import NOW, of_bob, uuid_of
from tests.support.recorded_account.markup import anywhere, attributes_of_page, brief, chosen, few, lines, said
from tests.support.recorded_account.settings import TOKEN

OWN_KEY = "sk_XlME6wxDnwfnXkXxa4FBSErm2Zz0GVUJe"
ALERT = {
    "name": "new rule",
    "on": ["failed", "late"],
    "after": "4",
    "scope": "label",
    "scope_key": "billing",
    "way": "webhook",
    "address": "https://hooks.example/new",
}
RULES = said(".note", ".bad-card", "h1", "strong", ".enabled", ".cancelled")
SPANS = {
    "within": "3h",
    "late_after": "90s",
    "long_after": "11m",
    "silent_after": "26h",
    "waiting_after": "12m",
    "repeat_every": "1d",
}


def walk(visits):
    secrets(visits)
    outgoing(visits)
    alerts(visits)
    incidents(visits)
    wall(visits)
    others(visits)
    newcomer(visits)
    production(visits)
    doors(visits)


def secrets(visits):
    visits.page("keys", "/keys")
    visits.send("keys", "/keys", name="a new key")
    for name in ("", "x", "x" * 100, "x" * 101, "a\tb", "BOOPER_DEMO_KEY"):
        visits.send("keys", "/keys", name=name)
    for name in ("key 0", "key 1", "bob's key 0"):
        visits.send("keys", f"/keys/{uuid_of(name)}/revoke")
    visits.page("signing-keys", "/signing-keys")
    visits.send("signing-keys", "/signing-keys", name="third")
    visits.send("signing-keys", "/signing-keys", name="x" * 101)
    for after in ("day", "now"):
        visits.send("signing-keys", f"/signing-keys/{uuid_of('signing key 2')}/retire", after=after)
    visits.send("signing-keys", f"/signing-keys/{of_bob('signing key 2')}/retire", after="now")
    for those in ("ends_at IS NULL OR ends_at > %s", "ends_at IS NULL OR ends_at < %s"):
        with visits.undone():
            execute(f"DELETE FROM signing_key WHERE {those}", (NOW,))
            visits.page("endpoints", "/endpoints", said(".card", "p"))
    with visits.undone():
        execute("DELETE FROM signing_key")
        visits.page("signing-keys", "/signing-keys", brief)
        visits.page("endpoints", "/endpoints", chosen(".card", "p"))
        visits.note("signing-keys", "POST /signing-keys", visits.browser.send("/signing-keys", name="2027"), lines)


def outgoing(visits):
    visits.page("endpoints", "/endpoints")
    url = "https://new.example.com/events"
    visits.send("endpoints", "/endpoints", url=url, types=["job.discarded", "job.finished"])
    visits.send("endpoints", "/endpoints", url=url)
    visits.send("endpoints", "/endpoints", url="x", types=["job.discarded"])
    visits.send("endpoints", "/endpoints", url=url, types=["odd"])
    for name in ("endpoint 0", "endpoint 2", "endpoint gone", "bob's endpoint 0"):
        for action in ("enable", "disable", "remove"):
            visits.send("endpoints-changed", f"/endpoints/{uuid_of(name)}/{action}")
    visits.page("channels", "/channels")
    for name, address in (
        ("discord", "https://discord.com/api/webhooks/1"),
        ("slack", "x"),
        ("odd", "https://x.example"),
    ):
        visits.send("channels", f"/channels/{name}", then=lines if name == "discord" else brief, url=address)
    for name in ("slack", "discord"):
        visits.send("channels", f"/channels/{name}/remove")


def alerts(visits):
    visits.page("alerts", "/alerts")
    visits.send("alerts-changed", "/alerts", then=few, **ALERT)
    more = {
        "way2": "slack",
        "address2": "https://hooks.slack.com/n",
        "way3": "ntfy",
        "address3": "https://ntfy.example/n",
    }
    visits.send(
        "alerts-changed",
        "/alerts",
        then=chosen(".note", "@rules-title"),
        **ALERT | SPANS | more | {"share": "0.25", "at_least": "8", "scope": "account"},
    )
    wrong = {
        "name": "",
        "on": ["odd"],
        "after": "0",
        "scope": "host",
        "scope_key": "",
        "address": "x",
        "way2": "slack",
        "address2": "y",
        "share": "2",
        "at_least": "x",
    }
    visits.send("alerts-changed", "/alerts", **ALERT | wrong | dict.fromkeys(SPANS, "soon"))
    visits.send("alerts-changed", "/alerts", name="n", after="1", address="")
    for name in ("rule nightly", "rule shop", "rule old", "bob's rule old"):
        for action in ("test", "disable", "enable", "remove"):
            visits.send(
                "alerts-changed",
                f"/alerts/{uuid_of(name)}/{action}",
                then=RULES,
            )
    for target in ("1", "3", "x"):
        visits.send(
            "alerts-changed",
            f"/alerts/{uuid_of('rule shop')}/test",
            then=chosen(".note", ".bad-card", "h1", ".facts"),
            target=target,
        )
    visits.send("alerts-changed", "/alerts/status-page", then=chosen(".note", "p.url", "#status-new"))
    visits.send("alerts-changed", "/alerts/status-page/remove", then=chosen(".note", "p.url", "section", "#status-new"))


def incidents(visits):
    for name in ("nightly fails", "host is down", "flow waits", "was late", "was silent"):
        visits.page("incidents", f"/incidents/{uuid_of(name)}")
        for action in ("acknowledge", "mute", "close"):
            visits.send(
                "incidents-changed", f"/incidents/{uuid_of(name)}/{action}", then=chosen(".note", "h1", "p", ".buttons")
            )
    visits.page("incidents", f"/incidents/{of_bob('nightly fails')}", brief)


def wall(visits):
    visits.page("status-wall", f"/status/{TOKEN}")
    visits.page("status-wall", f"/status/{TOKEN}?theme=dark", attributes_of_page)
    visits.page("status-wall", f"/status/{TOKEN[:-1]}x", lines)
    latest = ("host is down", "flow waits", "was late", "was silent")
    for name in latest:
        with visits.undone():
            execute("UPDATE incident SET opened_at = %s WHERE uuid = %s", (NOW - 5_000_000, uuid_of(name)))
            visits.page("status-wall", f"/status/{TOKEN}", chosen("p"))
    with visits.undone():
        execute("DELETE FROM incident")
        execute("DELETE FROM schedule")
        visits.page("status-wall", f"/status/{TOKEN}", chosen("main"))


def others(visits):
    visits.page("api", "/api/docs", chosen("h1", "#list_schedules"))
    json = {"Accept": "application/json"}
    visits.page("refused", "/nowhere", lines)
    visits.page("refused", "/nowhere", lines, headers=json)
    visits.page("refused", "/jobs/chosen", lines)
    visits.page("refused", "/pause", lines)
    visits.note(
        "refused",
        "POST /jobs without a token",
        visits.browser.client.post("/keys", headers={"Accept": "text/html"}),
        lines,
    )
    for theme in ("light", "dark", "odd"):
        with visits.undone():
            answer = visits.browser.client.post(
                "/theme",
                data={"csrf": visits.browser.token(), "theme": theme},
                headers={"Referer": "http://localhost/jobs?state=discarded"},
            )
            cookie = answer.headers["Set-Cookie"].partition("; Expires")[0]
            visits.note("frame", f"POST /theme {theme} from /jobs?state=discarded sets {cookie}", answer, brief)
            visits.page("frame", "/keys", anywhere("form.themes"))
            visits.page("frame", "/keys", attributes_of_page)
    visits.browser.client.delete_cookie("booper_theme")


def newcomer(visits):
    """The same pages for somebody who has nothing."""
    with visits.undone():
        newcomer = visits.of(signed_in(visits.browser.client.application, "newcomer"))
        for path in PAGES:
            if path not in ("/", "/jobs/new", "/api/docs"):
                newcomer.page("nothing", path, chosen("h1", ".empty", "p", "thead", ".good-card", "nav.pager"))
        newcomer.page("nothing", "/", said("h1", "li", "section", ".tl-empty", ".tl-total", ".tl-rows"))
        newcomer.page("nothing", "/timeline?host=x.example", chosen(".tl-empty"))
        newcomer.page("nothing", "/failures?span=all", chosen(".empty"))
        newcomer.page("nothing", "/jobs?state=scheduled", chosen(".empty"))


def production(visits):
    """An installation that is not embedded, below a path, with mail and a demo key of its own."""
    variables = {
        "BOOPER_DATABASE_URL": "postgresql://x",
        "BOOPER_BROKER_URL": "amqp://x",
        "BOOPER_PATH_PREFIX": "/booper",
        "BOOPER_SMTP_URL": "smtp://mail",
        "BOOPER_DEMO_KEY": OWN_KEY,
    }
    app = app_of(booper_settings.load(variables))
    with visits.undone():
        here = visits.of(signed_in(app, "alice"))
        here.page("production", "/", anywhere("header.side"))
        here.page("production", "/", attributes_of_page)
        here.page("production", "/logs?job=131", chosen("tr", "nav", "form"))
        here.page("production", "/channels", lines)
        here.page("production", "/alerts", chosen("select", "p.url"))
        here.page("production", f"/jobs/{uuid_of('invoice')}", chosen("nav.crumbs", ".facts"))
        here.page("production", "/timeline?host=billing.example.com", chosen(".tl-dots", ".tl-head"))
        here.of(Browser(app)).page("production", "/jobs?state=discarded", lines)
        here.of(Browser(app)).page("production", "/sign-in?next=/booper/jobs", lines)


def doors(visits):
    """Signing in and out."""
    app = visits.browser.client.application
    nobody = visits.of(Browser(app))
    nobody.page("doors", "/jobs?state=discarded&host=a", lines)
    nobody.page(
        "doors",
        "/sign-in?next=/jobs?state=discarded",
        anywhere("body"),
    )
    nobody.page("doors", "/sign-in?next=https://evil.example", chosen("input"))
    nobody.send("doors", "/sign-in", then=lines, key="sk_wrong", next="/jobs")
    nobody.send("doors", "/keys", name="x")
    with visits.undone():
        browser = Browser(app)
        answer = browser.sign_in(visits.browser.secret, next="/failures?span=7d")
        visits.of(browser).note("doors", "POST /sign-in with a key", answer)
        visits.of(browser).page("doors", "/failures?span=7d", chosen("h1"))
        copied = browser.client.get_cookie(sessions.COOKIE).value
        visits.of(browser).note("doors", "POST /sign-out", browser.send("/sign-out"))
        visits.of(browser).page("doors", "/failures", chosen("h1"))
        browser.client.set_cookie(sessions.COOKIE, copied)
        visits.of(browser).page("doors", "/failures?with=a+copy+of+the+cookie", chosen("h1"))
    for _ in range(8):
        nobody.browser.send("/sign-in", key="sk_wrong")
    nobody.send("doors", "/sign-in", then=brief, key="sk_wrong")
    nobody.send("doors", "/sign-in", then=lines, key="sk_wrong")
