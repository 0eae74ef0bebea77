"""The pages of jobs: the list and what finds jobs in it, a job in each state, what is done to jobs, the log."""

from urllib.parse import quote

from models.accounts.account_tables import Account
from models.database.sql import execute
from models.jobs.log_events import EVENTS
from models.rules.clock import HOUR
from runtime.signals import Flag
from tests.support.recorded_account.fixed import NOW, of_bob, uuid_of
from tests.support.recorded_account.markup import brief, chosen, few, heads, lines, said, tree_of
from tests.support.rows import make_jobs

TOP = chosen("nav.crumbs", "div.head", ".facts", ".why", ".bad-card", ".note")
SAID = said("h1", ".buttons", ".facts", ".why", ".bad-card")
WHOLE = ("order sync", "stock refresh", "invoice", "welcome mail", "event")
STATES = (
    *("plain", "long one", "held after a crash", "no share", "for a group", "sending", "to be acknowledged"),
    *("for the laptop", "for the tablet", "for the phone", "late retry", "newsletter", "invoice again 0", "never sent"),
    *("lost", "callback", "later event", "to a channel", "message of an alert", "next message of an alert", "run 401"),
    *(
        "run 406",
        "run 407",
        "soon 0",
        "soon 1",
        "soon 5",
        "in its flow",
        "first in its lane",
        "for its flow's rate",
        "second for its flow's rate",
    ),
    *("for room in its flow", "for its paused flow", "for its resting flow", "behind in its lane"),
    *("in a stopped lane", "for a paused host", "for a resting host", "for a failing host"),
)
SEARCHES = (
    *("state=scheduled", "state=retryable", "state=executing", "state=completed", "state=cancelled", "kind=event"),
    *("kind=callback", "kind=channel", "kind=alert", "kind=group", "label=billing", "host=mail.example.org"),
    *("host=*.example.org", "text=order", "text=STOCK", "name=welcome+mail", "path=/invoices/*", "flow=slow"),
    *("lane=customer-5", "status_code=404", "status_code=5xx", "reason=timeout", "reason=certificate_*", "due=overdue"),
    *("replayed=true&state=completed", "replayed=false&state=discarded", "parent=131&kind=callback", "span=1h"),
    *("span=24h&state=discarded", "span=7d&state=discarded", "after=2026-03-10T13:40:00&before=2026-03-10T13:55:00"),
    *("after=2026-03-10T14:40&before=2026-03-10T14:55&zone=Europe/Vienna", "label=nobody", "cursor=wrong"),
    *("failed_after=2026-03-09T14:35:20Z&failed_before=2026-03-10T09:30:00Z", "before=2026-03-10&zone=Mars/Olympus"),
    *("active_after=2026-03-10T13:48:00Z&active_before=2026-03-10T13:52:00Z", "after=2026-03-09&before=2026-03-08"),
    *("state=failed", "due=now", "host=a%20b", "url=https://billing.example.com/invoices", "status_code=999"),
    *(
        "active_after=soon",
        "text=invoice:4711",
        "after=2026-03-10T13:00&before=2026-03-10T13:00",
        "label=a,b",
        f"schedule={uuid_of('late')}",
        "kind=request&state=available&host=x.example",
    ),
)
TYPED = (
    *(
        "state:failed",
        "state:ok label:billing",
        "mail",
        "billing",
        "after:yesterday host:mail.example.org",
        "after:30m",
    ),
    *(
        'name:"welcome mail" status:401',
        "from:2026-03-10 to:2026-03-10T14:00",
        "colour:red",
        "state:odd",
        "after:never",
    ),
    *(
        "host:",
        "host:a host:b",
        "https://billing.example.com/invoices",
        "state:retrying due:overdue",
        "lane:customer-6",
    ),
)
IDS = ("131", uuid_of("invoice"), uuid_of("nightly"), uuid_of("invoice sent 2"), "1131", uuid_of("bob's invoice"), "77")
LOGS = (
    *(f"event={event}" for event in EVENTS),
    *(
        "job=131",
        f"job={uuid_of('stock refresh')}&event=worker.http.request",
        "job=1131",
        "job=x",
        "span=1h",
        "span=24h",
    ),
    *(
        "after=2026-03-10T13:49:00&before=2026-03-10T13:49:31",
        "after=2026-03-11T00:00",
        "before=1&zone=Mars",
        "event=odd",
        "after=2026-03-10T13:00&before=2026-03-10T13:00",
    ),
    *("after=2026-03-10T14:49:30&zone=Europe/Vienna",),
)


def state_of(root):
    yield from heads("#job", ".why")(root)
    yield from SAID(root)


def walk(visits):
    lists(visits)
    single_jobs(visits)
    what_is_done(visits)
    many(visits)
    log(visits)


def lists(visits):
    visits.page("jobs", "/jobs")
    visits.page("jobs", "/jobs?cursor=&state=discarded&label=mail", chosen("h1", "form", "nav", ".actions", "tr"))
    visits.pages("jobs-found", *(f"/jobs?{search}" for search in SEARCHES))
    visits.pages("jobs-typed", *(f"/jobs?q={quote(text)}" for text in TYPED))
    visits.pages("jobs-typed", "/jobs?q=state%3Aok&state=discarded&span=7d", "/jobs?q=after%3Anever&zone=Mars")
    visits.pages("find", *(f"/find?q={each}" for each in IDS), "/find?q=mail+state:failed", "/find?q=colour:red")
    visits.page("find", "/find")
    visits.page("find", "/find?q=after:yesterday+failed_after:today&zone=America/New_York")
    for typed in (*IDS, "mail", "state:failed mail", "nothing-like-it", "colour:red", "state:completed", ""):
        visits.page("find", f"/find/results?q={quote(typed)}")
    for search in (
        "state=completed",
        "state=discarded&label=mail",
        "label=sheet",
        "label=nobody",
        "due=overdue",
        "host=a%20b",
    ):
        visits.page("export", f"/jobs/export.csv?{search}")
    visits.pages("export", "/jobs/export.jsonl?label=billing", "/jobs/export.jsonl?kind=event", "/jobs/export.txt")


def single_jobs(visits):
    for name in WHOLE:
        visits.page("job", f"/jobs/{uuid_of(name)}")
    for name in STATES:
        visits.page("job-states", f"/jobs/{uuid_of(name)}", state_of)
    for name in ("run 401", "invoice again 0", "for the laptop"):
        visits.page("job-states", f"/jobs/{uuid_of(name)}", TOP)
    for name in ("binary", "long body"):
        visits.page("job", f"/jobs/{uuid_of(name)}", chosen("#command", "#body"))
    came_from = {"Accept": "text/html", "Referer": "http://localhost/jobs?state=discarded&host=mail.example.org"}
    visits.page("job-states", "/jobs/141", TOP, headers=came_from)
    visits.page(
        "job-states", "/jobs/141", chosen("nav.crumbs"), headers=came_from | {"Referer": "http://x.example/jobs?a=b"}
    )
    visits.page("job-states", "/jobs/102", chosen("h1", "#job"), headers={"Booper-Part": "1"})
    for name in ("binary", "invoice", "for a group", "to a channel", "for the laptop"):
        visits.page("curl", f"/jobs/{uuid_of(name)}/curl")
    visits.pages("refused", "/jobs/1131", f"/jobs/{of_bob('invoice')}", "/jobs/x", what=lines)
    silent(visits)


def silent(visits):
    """The same when nothing of the machinery shows a sign of life, and when every slot is in use."""
    with visits.undone():
        execute("UPDATE ticker SET seen_at = %s", (NOW - 10_000_001,))
        execute("DELETE FROM worker WHERE seen_at >= %s", (NOW - 15_000_000,))
        execute("UPDATE schedule SET disabled_at = %s WHERE id = %s", (NOW - 77_000_000, uuid_of("nightly")))
        execute("UPDATE endpoint SET enabled = 0, id = 31 WHERE uuid = %s", (uuid_of("endpoint 0"),))
        execute("UPDATE job SET endpoint_id = 31 WHERE id IN (162, 163)")
        for name in ("plain", "run 406", "event", "order sync", "later event"):
            visits.page("job-machinery", f"/jobs/{uuid_of(name)}", state_of)
        visits.page("overview-parts", "/", chosen("#troubles", "#system", ".small-figures"))
    with visits.undone():
        execute("UPDATE worker SET slots_in_use = slots")
        execute("UPDATE ticker SET seen_at = 0")
        visits.page("job-machinery", f"/jobs/{uuid_of('plain')}", state_of)
        execute("DELETE FROM worker")
        execute("DELETE FROM queue_depth")
        visits.page("job-machinery", f"/jobs/{uuid_of('plain')}", state_of)
        visits.page("overview-parts", "/", chosen("#troubles", "#system", ".small-figures"))


def what_is_done(visits):
    for name in ("order sync", "stock refresh", "invoice", "sending", "event"):
        for action in ("cancel", "again", "now"):
            visits.send("job-actions", f"/jobs/{uuid_of(name)}/{action}", then=TOP)
    for action in ("cancel", "again", "now"):
        visits.send("job-actions", f"/jobs/{of_bob('order sync')}/{action}")
    every = ["101", "102", "121", "122", "131", "141", "1101", "x"]
    for action in ("cancel", "retry", "none"):
        visits.send(
            "jobs-selected", "/jobs/chosen", then=few, action=action, job=every, state="", host="mail.example.org"
        )
    visits.send("jobs-selected", "/jobs/chosen", then=few, action="retry", job=["111"])
    visits.send("jobs-selected", "/jobs/chosen", then=few, action="cancel", label="billing")
    visits.send("jobs-selected", "/jobs/chosen", then=few, action="cancel", job=every, label="billing")


def many(visits):
    """More jobs than a page has."""
    with visits.undone():
        account = Account.get(Account.name == "alice")
        make_jobs(account, [3600 + number for number in range(120)], "scheduled", host="many.example.com", name="many")
        make_jobs(account, [-number for number in range(1, 102)], "discarded", host="bad.example.com", name="bad")
        execute("UPDATE job SET inserted_at = inserted_at - id * 1000000 WHERE name IN ('many', 'bad')")
        ends = chosen("nav.pager", ".actions", ".empty")
        path = "/jobs?host=many.example.com"
        for page in range(3):
            answer = visits.get(path)
            visits.note("jobs-many", f"GET {path} (page {page + 1})", answer, ends)
            visits.note("jobs-many", f"rows of page {page + 1}", answer, first_and_last)
            path = next_of(answer)
        for search in (
            "state=discarded&host=bad.example.com",
            "due=overdue",
            "state=scheduled&kind=request",
            "label=x",
        ):
            visits.page("jobs-many", f"/jobs?{search}", ends)
        visits.page("jobs-many", "/failures", brief)
        visits.page("jobs-many", "/failures/badge")
        visits.page("jobs-many", "/jobs/bulk?action=retry&state=discarded&host=bad.example.com")
        visits.page(
            "jobs-many", "/timeline?host=many.example.com&span=6h", chosen("figcaption", ".tl-empty", ".tl-rows")
        )


def next_of(answer):
    links = [each.attributes["href"] for each in tree_of(answer.text) if each.attributes.get("rel") == "next"]
    return links[0] if links else ""


def first_and_last(root):
    rows = [line for line in brief(root) if line.startswith("row")]
    return [f"{len(rows)} rows", *rows[:1], *rows[-1:]]


def streams(visits):
    """New entries as events; each stream ends after its first look."""
    stopping = Flag()
    stopping.set()  # as when the process stops, which ends a stream after a look
    with visits.limited(runtime__signals__stopping=stopping):
        for search in ("job=151", "job=131&event=worker.http.response", "event=worker.job.cancelled"):
            visits.page("log-stream", f"/logs/stream?{search}&since={NOW - 2 * HOUR}")


def log(visits):
    streams(visits)
    visits.page("log", "/logs")
    visits.page("log", "/logs?job=122", chosen("tr"))
    visits.pages("logs-found", *(f"/logs?{search}" for search in LOGS))
    for name in ("refresh sent 1", "refresh answered 1", "refresh failed 2", "refresh answered 3", "host fails"):
        visits.page("log-entries", f"/logs/{uuid_of(name)}")
    for name in ("answer not kept", "newsletter cancelled", "bob's host fails"):
        visits.page("log-entries", f"/logs/{uuid_of(name)}")
    visits.pages(
        "log-entries", "/logs/x", "/logs/stream?before=2026-03-10T00:00:00Z", "/logs/stream?after=2026-03-11T00:00:00Z"
    )
