"""Shows a plan as a diff, without secrets."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from booper_client.cli.files.plan import Step
from booper_client.cli.output import printable
from booper_client.masking import masked

SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}
SIGN_COLORS = {"-": "red", "+": "green"}


def difference(steps: list[Step]) -> Iterator[str]:
    """The lines of the diff, with colors where the output takes them."""
    for step in steps:
        sign, color = SIGNS[step.change]
        yield click.style(f"{sign} {step.title}", fg=color, bold=True)
        pairs = list(_pairs(step.verdict.before or {}, step.verdict.after))
        yield from (click.style(f"    {sign} {text}", fg=SIGN_COLORS[sign]) for sign, text in pairs)
        if step.change == "change" and _looks_equal(pairs):
            yield "    (what differs is hidden)"


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that differ, each with a sign."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after or before[name] != after[name]:
            for sign, fields in (("-", before), ("+", after)):
                if name in fields:
                    yield sign, f"{name}: {_shown(fields[name])}"


def _looks_equal(pairs: list[tuple[str, str]]) -> bool:
    return {text for sign, text in pairs if sign == "-"} == {text for sign, text in pairs if sign == "+"}


def _shown(value: Any) -> str:
    """A value in a line; a header that looks secret is not written into the log of a build."""
    return printable(json.dumps(without_secrets(value), ensure_ascii=False))


def without_secrets(value: Any) -> Any:
    """The same value; what looks secret is hidden, however deep."""
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    if isinstance(value, dict):
        return {name: without_secrets(each) for name, each in masked(value).items()}
    return value
