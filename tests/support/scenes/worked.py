"""Asks for all that is known of jobs that have run: lists by each filter, attempts, reasons, figures, the log."""

from models.jobs import attempt_reasons
from tests.support.scenes import figures, many
from tests.support.scenes.history import History

EXPLAINED = ("plain", "behind", "limit", "silent", "private", "old", "babble", "open", "no report", "due later", "down")
DETAILED = ("plain", "text", "busy", "nowhere", "private", "later", "late report", "no report", "open")
LISTED = ("job_id", "name", "job.state")
FILTERS = (
    *("state=completed", "state=available", "state=scheduled", "state=executing", "state=retryable", "state=discarded"),
    *("state=cancelled", "kind=callback", "kind=event", "kind=channel", "kind=group", "kind=alert", "kind=request"),
    *(
        "after=2026-01-01T09:00:30.5Z",
        "before=2026-01-01T09:00:10.5Z",
        "after=2026-01-01T09:00:10.5Z&before=1767258013",
    ),
    *("label=customer:5", "label=customer:*", "label=customer", "label=night&state=completed", "host=fine.example"),
    *(
        "host=FINE.example",
        "url=https://fine.example/plain",
        "url=https://fine.example/*",
        "url=https://fine.example/p",
    ),
    *(
        "path=/plain",
        "path=/f*",
        "name=plain",
        "name=o*",
        "text=PLAIN",
        "text=later",
        "flow=shop",
        "lane=user",
        "flow=user",
    ),
    *("status_code=201", "status_code=5xx", "status_code=410", "status_code=4XX", "reason=timeout", "reason=unknown"),
    *("reason=status_500", "scheduled_after=2026-01-01T10:00:00Z&limit=5", "scheduled_before=2026-01-01T09:00:04.25Z"),
    *("failed_after=2026-01-01T09:00:50Z", "failed_before=2026-01-01T09:00:46Z", "replayed=false&state=discarded"),
    *(
        "due=overdue",
        "due=overdue&order_by=scheduled_at,desc",
        "limit=3",
        "limit=3&offset=2",
        "limit=2&order_by=job_id,asc",
    ),
)
ORDERS = [
    f"order_by={name},{direction}&limit=4"
    for name in ("inserted_at", "scheduled_at", "attempted_at", "completed_at", "cancelled_at", "discarded_at")
    for direction in ("asc", "desc")
] + [f"order_by={name},{way}&limit=5" for name in ("job_id", "state", "name") for way in ("asc", "desc")]


def play(scene):
    """The pages worked, log and many."""
    history = History(scene)
    history.machinery.targets.hides = ("https://",)
    scene.begin_page("worked")
    history.work()
    look(scene, history)
    scene.begin_page("log")
    look_at_log(history)
    scene.begin_page("many")
    many.play(scene, history)


def look(scene, history):
    alice, bob = history.alice, history.bob
    scene.title("Lists of jobs")
    for query in (*FILTERS, *ORDERS, "order_by[]=name&order_by[]=desc&limit=2", 'order_by=["name","asc"]&limit=1'):
        alice.rows("GET", f"/api/jobs?{query}", *LISTED)
    alice.rows("GET", f"/api/jobs?kind=callback&parent={history.ids['busy']}", *LISTED)
    alice.rows("GET", f"/api/jobs?kind=event&parent={history.numbers['busy']}", *LISTED)
    bob.rows("GET", "/api/jobs", *LISTED)
    bob.rows("GET", "/api/jobs?host=down.example", *LISTED)
    follow_pages(alice)
    scene.title("Single jobs")
    look_at_jobs(alice, bob, history)
    scene.title("Acknowledgements that come too late")
    history.acknowledge_too_late()
    scene.title("Failures")
    look_at_failures(alice, bob, history)
    scene.title("Figures")
    figures.show(alice)
    figures.show(bob)


def follow_pages(alice):
    for query in ("limit=30", "limit=9&state=discarded&order_by=discarded_at,asc", "name=b*&limit=2"):
        path = f"/api/jobs?{query}"
        for _ in range(2):
            answer = alice.rows("GET", path, "name")
            path = answer.headers.get("Link", "<").partition(">")[0].lstrip("<")
            if not path:
                break


def look_at_jobs(alice, bob, history):
    ids, numbers = history.ids, history.numbers
    for name in DETAILED:
        alice.get(f"/api/jobs/{ids[name]}/attempts")
    alice.get(f"/api/jobs/{numbers['plain']}")
    alice.get(f"/api/jobs/{ids['busy']}?expand=last_attempt")
    alice.get(f"/api/jobs/{ids['down']}?expand=replays,last_attempt")
    for name in EXPLAINED:
        alice.get(f"/api/jobs/{ids[name]}/explain")
    alice.rows("GET", f"/api/jobs/{ids['busy']}/related", "job_id", "kind", "job.state", "args.url")
    alice.rows("GET", f"/api/jobs/{ids['busy']}/related?limit=1&offset=1", "job_id", "kind")
    callback = alice.quietly("GET", "/api/jobs?kind=callback&limit=1").json["data"][0]
    alice.rows("GET", f"/api/jobs/{callback['id']}/related", "job_id", "kind", "name")
    alice.get(f"/api/jobs/{callback['job_id']}")
    for path in ("", "/attempts", "/related", "/explain"):
        bob.get(f"/api/jobs/{ids['plain']}{path}")


def look_at_failures(alice, bob, history):
    listed = ("name", "job.state", "last_attempt.reason", "last_attempt.number", "last_attempt.next_at")
    for query in (
        "",
        "?state=retryable",
        "?host=busy.example",
        "?reason=timeout",
        "?limit=2",
        "?order_by=inserted_at,asc",
    ):
        alice.rows("GET", f"/api/failures{query}", *listed)
    alice.rows("GET", "/api/failures/groups", "state", "host", "reason", "jobs", "more", "latest_at", "latest_job_id")
    bob.get("/api/failures/groups")
    bob.get("/api/failures")
    again = alice.post(
        f"/api/jobs/{history.ids['down']}/retry", {"url": "https://fine.example/again", "headers": {"X": "1"}}
    )
    alice.get(f"/api/jobs/{again.json['data']['id']}?expand=replays")
    alice.rows("GET", "/api/failures?host=down.example", *listed)
    alice.rows("GET", "/api/failures?replayed=true", *listed)
    alice.rows("GET", "/api/jobs?replayed=true", *LISTED)
    alice.wrong_queries(
        "/api/failures", "state=completed", "offset=1", "order_by=name,asc", "expand=replays", "limit=0"
    )


def look_at_log(history):
    alice, bob, ids = history.alice, history.bob, history.ids
    listed = ("inserted_at", "event", "job_id")
    for query in (
        "",
        "?limit=3&order_by=inserted_at,asc",
        "?event=worker.http.error",
        "?event=worker.job.discarded&limit=4",
    ):
        alice.rows("GET", f"/api/logs{query}", *listed)
    for query in (
        "?limit=3&offset=2",
        "?order_by=event,asc&limit=5",
        "?order_by=event,desc&limit=5",
        "?order_by=job_id,desc",
    ):
        alice.rows("GET", f"/api/logs{query}", *listed)
    bob.rows("GET", "/api/logs", *listed)
    for name in (
        "text",
        "bytes",
        "cut",
        "limit",
        "inner",
        "later",
        "late report",
        "headers",
        "due much later",
        "private",
    ):
        alice.get(f"/api/logs?job_id={ids[name]}&order_by=inserted_at,asc")
    entry = alice.quietly("GET", f"/api/logs?job_id={history.numbers['old']}").json["data"][0]
    alice.get(f"/api/logs/{entry['id']}")
    bob.get(f"/api/logs/{entry['id']}")
    alice.wrong_queries("/api/logs", "event=Worker", "job_id=x", "schedule_id=daily", "order_by=payload,asc", "name=x")


def play_reasons(scene):
    scene.begin_page("reasons")
    for reason in (*attempt_reasons.WORDS, "status_200", "status_404", "status_599", "another"):
        scene.write(f"{reason}: {attempt_reasons.cause(reason)} | {attempt_reasons.in_words(reason)}")
