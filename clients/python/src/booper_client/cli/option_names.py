"""Says which argument or option of the command line sets a field of the API."""

from collections.abc import Collection

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


OPTIONS = {field: option_of(name) for name, field in SIMPLE.items()} | OTHERS | LIMITS


def place(path: str, typed: Collection[str]) -> str:
    """The option or argument that sets the value at this path of a request: `--header X-Trace` for `headers.X-Trace`.
    If the command has none, the path. `typed`: the options and arguments that it has."""
    field, _, member = path.partition(".")
    if field == "headers" and member and OTHERS[field] in typed:
        return f"{OTHERS[field]} {member}"
    for text in (option_of(path), path.upper(), OPTIONS.get(path, "")):
        if text.split(",")[0] in typed:
            return text
    return path
