"""Compares a file of declarations with the server, shows the difference, and makes it so."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from booper_client import ApiError, Client, NotFoundError
from booper_client.cli.failures import Refusal
from booper_client.cli.files import mistakes
from booper_client.cli.files.declaration_files import DeclarationFile
from booper_client.cli.files.kinds.kind import Kind, Verdict
from booper_client.cli.files.kinds.registry import KINDS
from booper_client.cli.files.steps import Step

CHANGES = ("create", "change", "delete")


@dataclass(frozen=True)
class Plan:
    """The steps, and how many declarations stay as they are."""

    steps: list[Step]
    unchanged: int

    def summary(self) -> str:
        count = {change: sum(step.change == change for step in self.steps) for change in CHANGES}
        done = ", ".join(f"{count[change]} to {change}" for change in CHANGES)
        return f"{done}, {self.unchanged} unchanged."


def plan(client: Client, file: DeclarationFile, prune: bool) -> Plan:
    """What makes the server's things those of the file. A Refusal names every mistake of the file."""
    limits = client.declarations.limits()  # first: what others make from now on counts as there or as new, not as both
    compared = _compared(client, file)
    deleted = list(_deleted(client, file)) if prune else []
    gone = {kind.name: {step.name for step in deleted if step.kind is kind and not step.is_duplicate} for kind in KINDS}
    if problems := [*mistakes.of_file(client, file, compared, gone), *mistakes.of_limits(limits, compared)]:
        raise Refusal("\n".join(["the file has mistakes, and nothing was changed:", *problems]))
    changed = [step for step in compared if step.change != "none"]
    return Plan([*changed, *deleted], len(compared) - len(changed))


def _compared(client: Client, file: DeclarationFile) -> list[Step]:
    """What becomes of each declaration; a refused one has the change `refused`."""
    steps: list[Step] = []
    new: dict[str, set[str]] = {}
    for kind in KINDS:
        if kind.name in file.declared:
            verdicts = kind.verdicts(client, file.declared, new)
            pairs = zip(verdicts, file.declared[kind.name].items(), strict=True)
            steps_of_kind = [_step(kind, name, fields, verdict) for verdict, (name, fields) in pairs]
            new[kind.name] = {step.name for step in steps_of_kind if step.change in ("create", "refused")}
            steps += steps_of_kind
    return steps


def _step(kind: Kind, name: str, fields: dict[str, Any], verdict: Verdict | ApiError) -> Step:
    if isinstance(verdict, ApiError):
        return Step(kind, name, "refused", Verdict("refused", _problems(verdict)), fields)
    return Step(kind, name, verdict.change, verdict, fields)


def _problems(error: ApiError) -> Mapping[str, list[str]]:
    return error.errors or {"": [error.message]}


def _deleted(client: Client, file: DeclarationFile) -> Iterator[Step]:
    """What there is and is not in the file, of the kinds that the file mentions: what names others first."""
    for kind in reversed(KINDS):
        known: set[str] = set()
        rows = kind.rows(client) if kind.name in file.declared else []
        for name, id in sorted(rows, key=itemgetter(0)):  # which leaves the oldest of a name the first
            if name in known or name not in file.declared[kind.name]:
                yield Step(kind, name, "delete", Verdict("delete", {}, {}, id), {}, is_duplicate=name in known)
            known.add(name)


def carry_out(client: Client, steps: list[Step]) -> Iterator[str]:
    """Do each step, and say so. What was done stays done if a later step fails: run it again."""
    for step in steps:
        if step.change == "delete":
            with suppress(NotFoundError):  # another run of the same file has deleted it
                step.kind.delete(client, step.name, step.verdict.id)
        else:
            step.kind.put(client, step.name, step.sent, step.verdict)
        yield done(step)


def done(step: Step) -> str:
    return f"{step.title} {step.change}d"


def broken_off(steps: list[Step], count: int) -> Iterator[str]:
    """What was made and what is left, where it broke off after so many steps."""
    yield f"Made, {count} of {len(steps)} changes:"
    yield from (f"  {done(step)}" for step in steps[:count])
    yield "Left, from where it broke off:"
    yield from (f"  {step.change} {step.title}" for step in steps[count:])
