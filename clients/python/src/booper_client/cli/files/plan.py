"""Compares a file of declarations with the server, shows the difference, and makes it so."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from booper_client import ApiError, Client, NotFoundError
from booper_client.cli.failures import Refusal
from booper_client.cli.files import mistakes
from booper_client.cli.files.declaration_files import DeclarationFile
from booper_client.cli.files.kinds.kind import Kind, Verdict
from booper_client.cli.files.kinds.registry import KINDS
from booper_client.cli.files.steps import Names, Step

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
    gone = _gone(client, file) if prune else {}
    if problems := [*mistakes.of_file(client, file, compared, gone), *mistakes.of_limits(limits, compared)]:
        raise Refusal("\n".join(["the file has mistakes, and nothing was changed:", *problems]))
    changed = [step for step in compared if step.change != "none"]
    deleted = [
        Step(kind, name, "delete", Verdict("delete", {}, {}, id), {})
        for kind in reversed(KINDS)
        for name, id in sorted(gone.get(kind.name, {}).items())
    ]
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


def _gone(client: Client, file: DeclarationFile) -> Names:
    """What there is and is not in the file, of the kinds that the file mentions."""
    there = {kind.name: kind.there(client) for kind in KINDS if kind.name in file.declared}
    return {
        kind: {name: id for name, id in names.items() if name not in file.declared[kind]}
        for kind, names in there.items()
    }


def carry_out(client: Client, steps: list[Step]) -> Iterator[str]:
    """Do each step, and say so. What was done stays done if a later step fails: run it again."""
    for step in steps:
        if step.change == "delete":
            with suppress(NotFoundError):  # another run of the same file has deleted it
                step.kind.delete(client, step.name, step.verdict.id)
        else:
            step.kind.put(client, step.name, step.sent, step.verdict)
        yield f"{step.title} {step.change}d"
