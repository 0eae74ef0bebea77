"""Finds what is wrong with a file of declarations before anything is changed. Each mistake is a line."""

from collections.abc import Iterable, Iterator, Sequence

from booper_client import Client
from booper_client.cli.files.declaration_files import DeclarationFile
from booper_client.cli.files.kinds.registry import KINDS, SCHEDULES
from booper_client.cli.files.steps import Names, Step
from booper_client.models.declarations import DeclarationLimit
from booper_client.models.schedules import Schedule


def of_file(client: Client, file: DeclarationFile, steps: list[Step], gone: Names) -> Iterator[str]:
    """What the server refuses of the file, and names of what will not be there. `gone`: what `--prune` would delete."""
    yield from _refused(file, steps)
    yield from _missing(client, file, gone)
    if gone.get("calendars"):
        yield from _in_use(client.schedules.list(expand="key"), file, gone)


def of_limits(limits: Sequence[DeclarationLimit], steps: list[Step]) -> Iterator[str]:
    """Kinds of which the account would have more than it may. What `--prune` deletes is deleted last, so it makes no
    room."""
    for each in limits:
        new = sum(step.verdict.counts for step in steps if step.kind.name == each.kind)
        if new and each.used + new > each.limit:
            yield f"  {each.kind}: an account may have at most {each.limit}; it has {each.used}, and {new} would be new"


def _refused(file: DeclarationFile, steps: list[Step]) -> Iterator[str]:
    """A line for each mistake, with its place in the file."""
    for step in steps:
        if step.change == "refused":
            for field, texts in step.verdict.after.items():
                yield from (_mistake(file, step.kind.name, step.name, field, text) for text in texts)


def _missing(client: Client, file: DeclarationFile, gone: Names) -> Iterator[str]:
    """A line for each name of something that will not be there."""
    groups: set[str] | None = None
    for kind in KINDS:
        for name, fields in file.declared.get(kind.name, {}).items():
            for each in kind.references(fields):
                if each.name in gone.get(each.kind, ()):
                    text = f"{each.name!r} is not in the file, and --prune would delete it"
                    yield _mistake(file, kind.name, name, each.path, text)
                elif each.kind == "groups" and each.name not in file.declared.get("groups", {}):
                    groups = groups if groups is not None else {group.name for group in client.groups.list()}
                    if each.name not in groups:
                        yield _mistake(file, kind.name, name, each.path, f"there is no group {each.name!r}")


def _in_use(schedules: Iterable[Schedule], file: DeclarationFile, gone: Names) -> Iterator[str]:
    """Calendars that `--prune` would delete, and that schedules name which are no matter of the file."""
    of_the_file = {*file.declared.get("schedules", {}), *gone.get("schedules", ())}
    for schedule in schedules:
        if schedule.key not in of_the_file:
            for each in SCHEDULES.references(schedule.args):
                if each.kind == "calendars" and each.name in gone["calendars"]:
                    text = f"--prune would delete it, and schedule {schedule.key or schedule.id} names it"
                    yield f"  calendars: {each.name}: {text}"


def _mistake(file: DeclarationFile, kind: str, name: str, field: str, text: str) -> str:
    line = file.line([kind, name, *field.split(".")])
    place = f"line {line}: " if line else ""
    return f"  {place}{kind}: {name}: {field or 'request'}: {text}"
