"""Compares a file of schedules with the server, shows the difference, and makes it so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from booper_client import ApiError, Client
from booper_client.cli.failures import Refusal, option
from booper_client.cli.files.schedule_files import Schedules
from booper_client.cli.output import printable
from booper_client.masking import masked

AT_ONCE = 200
SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}


@dataclass(frozen=True)
class Step:
    """What is to be done with the schedule of a key. `before` and `after`: its fields."""

    key: str
    change: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The steps, and how many schedules stay as they are."""

    steps: list[Step]
    unchanged: int

    def summary(self) -> str:
        count = {change: sum(step.change == change for step in self.steps) for change in SIGNS}
        done = ", ".join(f"{count[change]} to {change}" for change in SIGNS)
        return f"{done}, {self.unchanged} unchanged."


def plan(client: Client, wanted: Schedules, prune: bool) -> Plan:
    """What makes the server's schedules those of the file. A Refusal names every mistake of the file."""
    changes = _changes(client, wanted)
    there = {each.key: each.args for each in client.schedules.list(expand="key") if each.key}
    steps = [Step(key, change, there.get(key, {}), wanted[key]) for key, change in changes.items() if change != "none"]
    if prune:
        steps += [Step(key, "delete", args, {}) for key, args in sorted(there.items()) if key not in wanted]
    return Plan(steps, list(changes.values()).count("none"))


def _changes(client: Client, wanted: Schedules) -> dict[str, str]:
    """What becomes of each schedule of the file."""
    items = [{"key": key, **fields} for key, fields in wanted.items()]
    verdicts: list[Any] = []
    for start in range(0, len(items), AT_ONCE):
        verdicts += client.schedules.check(items[start : start + AT_ONCE])
    mistakes = [line for key, each in zip(wanted, verdicts, strict=True) for line in _mistakes(key, each)]
    mistakes += _missing_groups(client, wanted)
    if mistakes:
        raise Refusal("\n".join(["the file has mistakes, and nothing was changed:", *mistakes]))
    return {verdict.key: verdict.change for verdict in verdicts}


def _mistakes(key: str, verdict: Any) -> Iterator[str]:
    if isinstance(verdict, ApiError):
        for field, texts in (verdict.errors or {"": [verdict.message]}).items():
            yield from (f"  {key}: {field or option(field)}: {text}" for text in texts)


def _missing_groups(client: Client, wanted: Schedules) -> Iterator[str]:
    named = {key: fields["group"] for key, fields in wanted.items() if fields.get("group") is not None}
    known = {group.name for group in client.groups.list()} if named else set()
    for key, group in named.items():
        if group not in known:
            yield f"  {key}: group: there is no group {group!r}"


def carry_out(client: Client, steps: list[Step]) -> Iterator[str]:
    """Do each step, and say so. What was done stays done if a later step fails: run it again."""
    for step in steps:
        if step.change == "delete":
            client.schedules.delete(step.key)
        else:
            client.schedules.put(step.key, **step.after)
        yield f"{step.key} {step.change}d"


def difference(steps: list[Step]) -> Iterator[str]:
    """The plan as a diff, with colors where the output takes them."""
    for step in steps:
        sign, color = SIGNS[step.change]
        yield click.style(f"{sign} {step.key}", fg=color, bold=True)
        for name in sorted(step.before.keys() | step.after.keys()):
            before, after = step.before.get(name), step.after.get(name)
            if before != after or (name in step.before) != (name in step.after):
                yield from _lines(name, step, before, after)


def _lines(name: str, step: Step, before: Any, after: Any) -> Iterator[str]:
    if name in step.before:
        yield click.style(f"    - {name}: {_shown(before)}", fg="red")
    if name in step.after:
        yield click.style(f"    + {name}: {_shown(after)}", fg="green")


def _shown(value: Any) -> str:
    """A value in a line; a header that looks secret is not written into the log of a build."""
    if isinstance(value, dict):
        value = masked(value)
    return printable(json.dumps(value, ensure_ascii=False))
