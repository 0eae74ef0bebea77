"""The options that describe a request, from the command line to fields of the API."""

import base64
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from booper_client.cli.option_names import OTHERS, SIMPLE, option_of

AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s+([A-Za-z]+)\s*")


def span(text: str | None) -> Any:
    """A length of time: `30`, `90s`, `1h30m`, `30 seconds`, `1 hour`."""
    if text is None:
        return None
    if match := AMOUNT.fullmatch(text):
        number = float(match[1])
        return [int(number) if number.is_integer() else number, match[2].lower()]
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


OF_CLIENT = {"self", "once", "job", "schedule", "alert", "key"}  # parameters of its methods beside the fields
FIELD = click.option(
    "--field",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other field of the API, as text; NAME:=JSON for other values, such as max_runs:=3.",
)
ORDER = click.option("--order-by", metavar="FIELD,DIRECTION", help="Another order, such as inserted_at,asc.")


def other_fields(texts: Sequence[str], places: Mapping[str, str]) -> dict[str, Any]:
    """The fields that --field sets. `places`: the fields that have an argument or an option of their own, each with its
    name. These are refused, and so are the client's own parameters. The server checks all other names."""
    fields = dict(_member(text, "--field") for text in texts)
    for name in sorted(fields):
        if name in places:
            raise click.BadParameter(f"{places[name]} sets {name}: use that instead", param_hint="--field")
        if name in OF_CLIENT:
            raise click.BadParameter(f"{name} is no field", param_hint="--field")
    return fields


def request_options(of_schedule: bool = False) -> Callable[[Any], Any]:
    """A decorator: the options of a job, or those that a schedule takes too."""
    makes = "" if of_schedule else " Makes a schedule."
    options = [
        click.option(
            "--data",
            "-d",
            multiple=True,
            metavar="NAME=VALUE",
            help="A member of a JSON body, as text; NAME:=JSON for other values.",
        ),
        click.option("--json", "body", metavar="JSON", help="The body: JSON, @FILE, or @- for standard input."),
        click.option(
            "--body-file",
            type=click.Path(exists=True, dir_okay=False),
            help="The body: the bytes of a file, as they are.",
        ),
        click.option("--header", "-H", multiple=True, metavar="'NAME: VALUE'", help="A header; may be repeated."),
        click.option("--in", "in_", metavar="SPAN", help="How long from now: 90s, 1h30m, '30 seconds'."),
        click.option("--at", metavar="TIME", help="When: 2026-01-31T09:00:00Z, any offset."),
        click.option("--every", metavar="SPAN", help=f"Again and again: '5 minutes'.{makes}"),
        click.option("--cron", metavar="CRON", help=f"By a cron expression: '0 9 * * 1-5'.{makes}"),
        click.option("--timezone", metavar="ZONE", help="The time zone of --cron; default UTC."),
        click.option(
            "--overlap",
            type=click.Choice(["skip", "queue_one", "allow"]),
            help="What to do while an earlier job is under way.",
        ),
        click.option(
            "--misfire",
            type=click.Choice(["once", "all", "skip"]),
            help="Which instants get a job that were missed while Booper was stopped.",
        ),
        click.option("--name", help="A name to find it by."),
        click.option("--description", help="What it is for."),
        click.option("--label", multiple=True, help="A label to find it by; may be repeated."),
        click.option("--timeout", type=float, metavar="SECONDS", help="How long an attempt may take; default 30."),
        click.option("--max-attempts", type=int, help="How often it is tried; default 20."),
        click.option("--flow", metavar="KEY", help="Its flow: jobs that share limits."),
        click.option("--rate", metavar="N/SPAN", help="The flow's rate, such as 10/1m."),
        click.option("--concurrency", type=int, help="How many of the flow may be under way at once."),
        click.option("--lane", metavar="KEY", help="Its lane: jobs that go one after another."),
        click.option("--callback-url", metavar="URL", help="The URL that gets the result of the job."),
        FIELD,
        click.option(
            "--webhook-url", metavar="URL", help="The URL that gets the events of the job, such as a failed attempt."
        ),
    ]
    if not of_schedule:
        options.append(
            click.option(
                "--key", metavar="KEY", help="An idempotency key: no second job with it until the first is sent."
            )
        )

    def decorated(run: Any) -> Any:
        for option in reversed(options):
            run = option(run)
        return run

    return decorated


def fields_of(options: dict[str, Any], **places: str) -> dict[str, Any]:
    """The fields of the API; options that were left out are none. `places`: as in `other_fields`, for what the command
    takes beside the options of a request."""
    fields = {field: options.get(name) for name, field in SIMPLE.items()}
    fields |= {
        "schedule_in": span(options.get("in_")),
        "repeat_every": span(options.get("every")),
        "labels": list(options["label"]) or None,
        "headers": headers(options["header"]) or None,
        "flow": flow(options["flow"], options["rate"], options["concurrency"]),
        **body(options["data"], options["body"], options["body_file"]),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    of_options = {field: option_of(name) for name, field in SIMPLE.items() if name in options}
    return known | other_fields(options["field"], {**OTHERS, **of_options, **places})


def headers(lines: Sequence[str]) -> dict[str, str]:
    """Names and values of `NAME: VALUE`."""
    pairs = [line.partition(":") for line in lines]
    if wrong := [line for line, (name, colon, _) in zip(lines, pairs, strict=True) if not (name.strip() and colon)]:
        raise click.BadParameter(f"must be 'NAME: VALUE', got {wrong[0]!r}", param_hint="--header")
    return {name.strip(): value.strip() for name, _, value in pairs}


def flow(key: str | None, rate: str | None, concurrency: int | None) -> Any:
    """The flow with its limits."""
    if key is None and (rate or concurrency):
        raise click.UsageError("--rate and --concurrency are limits of a flow: add --flow KEY.")
    if key is None:
        return None
    return {"key": key} | rate_of(rate) | ({"concurrency": concurrency} if concurrency is not None else {})


def rate_of(rate: str | None) -> dict[str, Any]:
    """`10/1m` as a rate and the window that it is for."""
    if rate is None:
        return {}
    count, slash, per = rate.partition("/")
    if not (slash and count.strip().isdigit() and per.strip()):
        raise click.BadParameter(f"must be a number and a span, such as 10/1m, got {rate!r}", param_hint="--rate")
    return {"rate": int(count), "per": span(per)}


def body(data: Sequence[str], text: str | None, file: str | None) -> dict[str, Any]:
    """The body by one of the three ways."""
    if sum(map(bool, (data, text, file))) > 1:
        raise click.UsageError("--data, --json and --body-file exclude each other.")
    if file:
        return {"body_base64": base64.b64encode(Path(file).read_bytes()).decode()}
    if text:
        return {"body": parsed(_content(text), "--json")}
    return {"body": dict(_member(text, "--data") for text in data)} if data else {}


def check_target(url: str | None, group: str | None) -> None:
    """One of both says where requests go."""
    if (url is None) == (group is None):
        raise click.UsageError("Say where: a URL, or --group NAME for each target of a group.")


def _content(text: str) -> str:
    if text == "@-":
        return sys.stdin.read()
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{text[1:]} can't be read: {error}", param_hint="--json") from None
    return text


def _member(text: str, hint: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name.strip(": ") and equals):
        raise click.BadParameter(f"must be NAME=VALUE or NAME:=JSON, got {text!r}", param_hint=hint)
    return (name[:-1], parsed(value, hint)) if name.endswith(":") else (name, value)


def parsed(text: str, hint: str) -> Any:
    """A JSON value; what is wrong with it where it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"must be JSON, got {text[:60]!r} ({error})", param_hint=hint) from None
