"""Types each command of the client, after jobs, schedules and alerts have had a history."""

from datetime import UTC, datetime, timedelta

from booper_client.cli import output
from tests.support.scenes.history import History

EVERY_OPTION = (
    *("-d", "name=Ada", "-d", "age:=36", "-H", "X-A: b: c", "--in", "30 minutes", "--label", "a", "--label", "b"),
    *("--flow", "shop", "--rate", "10/1m", "--concurrency", "3", "--lane", "l", "--timeout", "5", "--name", "n"),
    *(
        "--description",
        "d",
        "--max-attempts",
        "3",
        "--callback-url",
        "https://back.example/c",
        "--webhook-url",
        "https://back.example/w",
    ),
)


def play(scene, shell_of):
    history = History(scene)
    history.machinery.targets.hides = ("https://",)
    scene.begin_page("client_commands")
    history.work()
    shell = shell_of(history.alice)
    order(scene, shell, history)
    look_at_jobs(scene, shell, history)
    schedules(scene, shell, history)
    gates(scene, shell)
    people(scene, shell, history)
    files(scene, shell)
    scene.title("Moments")
    show_spans(scene)
    fail(scene, shell, history)


def order(scene, shell, history):
    scene.title("Ordering")
    shell.type("run", "post", "https://fine.example/x", *EVERY_OPTION, "-o", "json")
    scene.clock.advance(seconds=1)
    shell.type("run", "get", "https://fine.example/y", "--at", "2026-01-05T00:00:00Z")
    shell.type(
        "run",
        "get",
        "https://fine.example/z",
        "--every",
        "2 hours",
        "--overlap",
        "allow",
        "--misfire",
        "skip",
        "-o",
        "table",
    )
    shell.type(
        "run",
        "get",
        "https://fine.example/z",
        "--cron",
        "0 9 * * 1-5",
        "--timezone",
        "Europe/Berlin",
        "--name",
        "mornings",
    )
    shell.type("run", "fetch", "https://fine.example/z")
    shell.type("run", "get", "ftp://fine.example/z", "--timeout", "0")


def look_at_jobs(scene, shell, history):
    scene.title("Jobs")
    ids = history.ids
    shell.in_each_form("jobs", "list", "-n", "12")
    for words in (
        ("--state", "retryable", "--all"),
        ("--label", "customer:*"),
        ("--host", "fine.example"),
        ("--kind", "callback", "-n", "2"),
    ):
        shell.type("jobs", "list", *words)
    for words in (
        ("--status-code", "4xx"),
        ("--reason", "timeout"),
        ("--text", "late"),
        ("--flow", "shop"),
        ("--lane", "user"),
        ("--name", "plain"),
    ):
        shell.type("jobs", "list", *words)
    shell.type("jobs", "list", "--after", "2026-01-01T09:00:36Z", "--before", "2026-01-01T09:00:40Z")
    for name in ("busy", "old", "due later", "open", "private"):
        shell.in_each_form("jobs", "get", ids[name])
    shell.type("jobs", "get", ids["plain"], "--json")
    for name in ("busy", "private", "nowhere"):
        shell.in_each_form("jobs", "attempts", ids[name])
    for name in ("limit", "behind", "no report"):
        shell.in_each_form("jobs", "explain", ids[name])
    shell.in_each_form("failures")
    shell.in_each_form("failures", "--groups")
    shell.type("failures", "--state", "retryable", "--host", "old.example")
    shell.type("jobs", "retry", ids["gone"], ids["moved"])
    shell.type("jobs", "cancel", ids["due later"], ids["gone"])
    shell.in_each_form("status")
    shell.in_each_form("logs", "list", "-n", "4")
    shell.type("logs", "list", "--job", ids["limit"], "--event", "worker.http.response")
    entry = history.alice.quietly("GET", f"/api/logs?job_id={ids['text']}").json["data"][0]["id"]
    shell.in_each_form("logs", "get", entry)
    history.alice.made("/api/jobs/cancel", {"filter": {"label": "night"}})
    scene.clock.advance(seconds=3)
    history.alice.made("/api/jobs/delete", {"filter": {"state": "cancelled"}, "limit": 1})
    history.machinery.go_on(2)
    shell.in_each_form("operations", "list")
    shell.type("operations", "list", "--state", "running")
    key = history.alice.quietly("GET", "/api/operations?limit=1").json["data"][0]["id"]
    shell.in_each_form("operations", "get", key)
    shell.type("operations", "cancel", key)


def schedules(scene, shell, history):
    scene.title("Schedules")
    shell.type(
        "schedules",
        "create",
        "post",
        "https://fine.example/s",
        "--key",
        "daily",
        "--cron",
        "@daily",
        "--name",
        "daily report",
    )
    scene.clock.advance(seconds=2)
    shell.type(
        "schedules",
        "create",
        "get",
        "https://down.example/s",
        "--key",
        "often",
        "--every",
        "600",
        "--max-attempts",
        "1",
        "-o",
        "table",
    )
    history.machinery.go_on(1500, step=500)
    shell.in_each_form("schedules", "list")
    shell.in_each_form("schedules", "get", "often")
    shell.in_each_form("schedules", "runs", "often")
    shell.type("schedules", "runs", "often", "--status", "late", "-n", "1")
    shell.type("schedules", "update", "daily", "--cron", "0 8 * * *", "--name", "morning report")
    shell.in_each_form("schedules", "preview", "--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin", "-n", "2")
    shell.type("schedules", "preview", "--every", "5 minutes", "--from", "2026-02-01T00:00:00Z", "-n", "2")
    shell.type("schedules", "run", "daily")
    shell.type("schedules", "disable", "daily")
    shell.in_each_form("schedules", "get", "daily")
    shell.type("schedules", "enable", "daily")
    shell.type("schedules", "backfill", "often", "--from", "2026-01-01T07:00:00Z", "--to", "2026-01-01T08:00:00Z")
    shell.type("schedules", "backfill", "often", "--from", "2026-01-01T07:00:00Z", "--to", "2026-01-01T08:00:00Z", "-y")
    shell.in_each_form("schedules", "backfills", "often")
    shell.type("schedules", "backfills", "often", "--cancel")
    shell.type("schedules", "delete", "daily")
    shell.type("schedules", "delete", "daily", "-y")


def gates(scene, shell):
    scene.title("Flows, groups, calendars")
    shell.in_each_form("flows", "list")
    shell.type("flows", "set", "shop", "--rate", "20/2m", "--concurrency", "4")
    shell.in_each_form("flows", "get", "shop")
    shell.type("flows", "pause", "shop", "--until", "2026-01-03T00:00:00Z", "--reason", "repairs")
    shell.in_each_form("flows", "get", "shop")
    shell.type("flows", "resume", "shop")
    shell.type("flows", "reset", "shop")
    shell.type("flows", "unset", "shop")
    shell.type("flows", "list", "--text", "none")
    shell.type("groups", "set", "regions", "eu=https://eu.example/", "us=https://us.example/")
    shell.in_each_form("groups", "list")
    shell.in_each_form("groups", "get", "regions")
    shell.type("groups", "delete", "regions", "-y")
    shell.type("calendars", "set", "holidays", "2026-12-24", "2026-12-31/2027-01-02")
    shell.in_each_form("calendars", "list")
    shell.in_each_form("calendars", "get", "holidays")
    shell.type("calendars", "delete", "holidays", "-y")


def people(scene, shell, history):
    scene.title("Alerts, endpoints")
    words = (
        "--to",
        "slack=https://hooks.slack.example/secret",
        "--to",
        "webhook=https://ops.example/",
        "--after",
        "1",
        "--repeat-every",
        "2h",
    )
    shell.type("alerts", "create", "often", "--schedule", "often", "--on", "failed", "--on", "recovered", *words)
    shell.type("alerts", "create", "all", "--to", "email=ops@mail.example", "--late-after", "2m", "--long-after", "3m")
    history.machinery.go_on(1200, step=300)
    shell.in_each_form("alerts", "list")
    key = history.alice.quietly("GET", "/api/alerts").json["data"][0]["id"]
    shell.in_each_form("alerts", "get", key)
    shell.type("alerts", "update", key, "--name", "frequent", "--disable")
    shell.type("alerts", "test", key)
    shell.in_each_form("incidents", "list")
    shell.type("incidents", "list", "--state", "closed", "-n", "1")
    incident = history.alice.quietly("GET", "/api/incidents").json["data"][0]["id"]
    shell.in_each_form("incidents", "get", incident)
    for words in (("acknowledge",), ("mute", "--until", "2026-01-04T00:00:00Z"), ("unmute",), ("close",)):
        shell.type("incidents", words[0], incident, *words[1:])
    shell.type("alerts", "delete", key, "-y")
    shell.type("endpoints", "create", "https://back.example/e", "--type", "job.finished", "--type", "job.error")
    shell.in_each_form("endpoints", "list")
    endpoint = history.alice.quietly("GET", "/api/endpoints").json["data"][-1]["id"]
    shell.in_each_form("endpoints", "get", endpoint)
    shell.type("endpoints", "update", endpoint, "--disable", "--url", "https://back.example/f")
    shell.type("endpoints", "delete", endpoint, "-y")


FILE = """
schedules:
  often: {url: "https://down.example/s", repeat_every: 700, max_attempts: 1}
  new: {url: "https://fine.example/new", cron: "@hourly"}
calendars:
  plant: {days: ["2026-05-01"]}
flows:
  shop: {rate: 5, per: 1m}
"""


def files(scene, shell):
    scene.title("Files")
    with open("booper.yaml", "w") as file:
        file.write(FILE)
    with open("wrong.yaml", "w") as file:
        file.write("schedules:\n  x: {url: ftp://x, cron: x}\n  a b: {}\njobs: 1\n")
    shell.type("schedules", "apply", "booper.yaml", "--dry-run")
    shell.type("schedules", "apply", "booper.yaml", "--prune", "-y")
    shell.type("schedules", "apply", "booper.yaml", "-y")
    shell.type("schedules", "apply", "wrong.yaml", "-y")
    shell.type("schedules", "apply", "none.yaml", "-y")
    shell.type("schedules", "export")
    with open("crontab", "w") as file:
        file.write(
            "MAILTO=x\n0 9 * * 1-5 /usr/bin/curl -s https://fine.example/c\n*/5 * * * * backup --all\n@reboot x\n"
        )
    shell.type("import", "crontab", "crontab", "--timezone", "Europe/Berlin")


SPANS_S = (0, 0.4, 1, 2, 59, 60, 61, 119, 120, 3599, 3600, 7199, 7200, 86_399, 86_400, 172_800)


def show_spans(scene):
    """How far moments are away, before and after now."""
    now = datetime(2026, 1, 1, 9, tzinfo=UTC)
    for seconds in SPANS_S:
        sides = [output.relative(now + timedelta(seconds=side * seconds), now) for side in (1, -1)]
        scene.write(f"{seconds} s: {' | '.join(sides)}")


def fail(scene, shell, history):
    scene.title("What goes wrong")
    shell.type("jobs", "get", "7000")
    shell.type("jobs", "get", history.ids["gone"] + "x")
    shell.type("jobs", "list", "--state", "done")
    shell.type("schedules", "get", "none")
    shell.type("jobs")
    shell.type("unknown")
    shell.type("jobs", "cancel")
    shell.is_now(history.bob)
    shell.type("jobs", "get", history.ids["plain"])
    shell.type("jobs", "list")
    shell.is_now(scene.visitor())
    shell.type("jobs", "list")
    shell.type("profiles")
    shell.type("logout")
    shell.type("completion", "bash")
