"""Says which argument or option of the command line sets a field of the API."""

SIMPLE = {  # option: the field that has its value
    **{name: name for name in ("cron", "timezone", "overlap", "misfire", "name", "description", "timeout")},
    **{name: name for name in ("max_attempts", "lane", "callback_url", "webhook_url")},
    **{"at": "scheduled_at", "key": "idempotency_key"},
}
OTHERS = {
    **{"schedule_in": "--in", "repeat_every": "--every", "labels": "--label", "headers": "--header", "flow": "--flow"},
    **{"body": "--data, --json or --body-file", "body_base64": "--body-file"},
}
TARGET = {"method": "METHOD", "url": "URL", "group": "--group"}  # of a command that begins with METHOD URL
LIMITS = {"flow.key": "--flow", "flow.rate": "--rate", "flow.per": "--rate", "flow.concurrency": "--concurrency"}


def option_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


OPTIONS = {field: option_of(name) for name, field in SIMPLE.items()} | OTHERS | TARGET | LIMITS
del OPTIONS["name"]  # some commands take it as an argument


def place(path: str) -> str:
    """Where the value at this path of a request was typed: `--header X-Trace` for `headers.X-Trace`."""
    field, _, member = path.partition(".")
    if path in OPTIONS or field not in OPTIONS:
        return OPTIONS.get(path, path or "request")
    return f"{OPTIONS[field]} {member}"
