"""Writes a request for a job or a schedule as what makes it elsewhere: JSON, curl, the command line and Python. Pure.

What a shell reads is quoted and has no characters beyond ASCII, so that a pasted command does what it shows.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

SPANS = {"schedule_in": "--in", "repeat_every": "--every"}
OPTIONS = {
    **{name: f"--{name}" for name in ("cron", "timezone", "overlap", "misfire", "name", "description", "timeout")},
    **{"max_attempts": "--max-attempts", "callback_url": "--callback-url", "webhook_url": "--webhook-url"},
    **{"scheduled_at": "--at", "idempotency_key": "--key", **SPANS},
}
RECURRING = ("cron", "repeat_every")


class Snippet(NamedTuple):
    """`label`: for whom the text is."""

    label: str
    text: str


def snippets(fields: Mapping[str, Any], root_url: str) -> list[Snippet]:
    """The fields of the API, as they were sent. `root_url`: where the API is, without a slash at the end."""
    document = json.dumps(fields, indent=2, ensure_ascii=False)
    return [
        Snippet("curl", curl(fields, root_url)),
        Snippet("Command line", command_line(fields)),
        Snippet("Python", python(fields)),
        Snippet("JSON", document),
    ]


def curl(fields: Mapping[str, Any], root_url: str) -> str:
    lines = [
        f"curl -X POST {shlex.quote(f'{root_url}/api/jobs')}",
        '-H "Authorization: Bearer $BOOPER_API_KEY"',
        "-H 'Content-Type: application/json'",
        f"--data-raw {shlex.quote(json.dumps(fields))}",
    ]
    return " \\\n  ".join(lines)


def python(fields: Mapping[str, Any]) -> str:
    """A call of the client. A client's fields have no names that Python takes for something else."""
    subject = "url" if "url" in fields else "group"
    others = {name: value for name, value in fields.items() if name != subject}
    resource = "schedules" if any(name in fields for name in RECURRING) else "jobs"
    if subject == "group" and resource == "schedules":
        return "# a schedule of a group is made with a key: client.schedules.put(key, group=…)"
    call = "create" if subject == "url" else "create_for_group"
    arguments = [ascii(fields[subject]), *(f"{name}={ascii(value)}" for name, value in others.items())]
    lines = ["from booper_client import Client", "", "with Client() as client:"]
    return "\n".join([*lines, f"    client.{resource}.{call}(", *(f"        {each}," for each in arguments), "    )"])


def command_line(fields: Mapping[str, Any]) -> str:
    """A call of `booper run`, or which fields it has no option for."""
    words, without = [], []
    for name, value in fields.items():
        write = WRITERS.get(name) or (_option(OPTIONS[name]) if name in OPTIONS else None)
        written = write(value) if write else None
        if written is None:
            without.append(name)
        words += written or []
    if without:
        return f"# booper run has no option for: {', '.join(without)}"
    return " ".join(["booper run", fields.get("method", "get").lower(), _word(fields["url"]), *words])


def _option(name: str) -> Callable[[Any], list[str] | None]:
    def written(value: Any) -> list[str] | None:
        if isinstance(value, list):
            value = f"{value[0]:g} {value[1]}"
        return [name, _word(value)]

    return written


def _word(value: Any) -> str:
    text = str(value)
    return shlex.quote(text) if text.isascii() and text.isprintable() else f"$'{_escaped(text)}'"


def _escaped(text: str) -> str:
    """For the quotes of bash that read escapes."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return "".join(char if " " <= char <= "~" else f"\\U{ord(char):08x}" for char in plain)


def _flow(flow: Mapping[str, Any]) -> list[str]:
    words = ["--flow", _word(flow["key"])] if "key" in flow else []
    if "rate" in flow:
        words += ["--rate", _word(f"{flow['rate']}/{flow.get('per', '1s')}")]
    return words + (["--concurrency", _word(flow["concurrency"])] if "concurrency" in flow else [])


WRITERS: dict[str, Callable[[Any], list[str] | None]] = {
    "method": lambda _: [],
    "url": lambda _: [],
    "body": lambda body: ["--json", _word(json.dumps(body))],
    "headers": lambda headers: [word for name, value in headers.items() for word in ("-H", _word(f"{name}: {value}"))],
    "labels": lambda labels: [word for label in labels for word in ("--label", _word(label))],
    "flow": _flow,
    "lane": lambda lane: ["--lane", _word(lane)] if isinstance(lane, str) else None,
}
