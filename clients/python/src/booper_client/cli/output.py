"""Prints: tables with colors and relative times on a terminal, lines with tabs in a pipe, JSON where it is wanted."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from booper_client.models.model import Model

COLORS = {
    **dict.fromkeys(("completed", "fired", "enabled", "live", "done"), "green"),
    **dict.fromkeys(("discarded", "disabled", "missed_down", "failing"), "red"),
    **dict.fromkeys(("retryable", "late", "skipped_overlap", "skipped_misfire", "paused"), "yellow"),
    **dict.fromkeys(("executing", "running"), "cyan"),
    **dict.fromkeys(("cancelled", "finished"), "dim"),
}
FLEXIBLE = (
    "TARGET",
    "NAME",
    "WHAT",
    "WHY",
    "URL",
    "OUTCOME",
    "FREQUENCY",
    "TO",
    "WATCHES",
)  # may be cut to fit a terminal
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Output:
    """Where a command prints. `form`: `table`, `plain` or `json`."""

    def __init__(self, form: str) -> None:
        self.form = form

    def rows(self, columns: Sequence[str], items: Iterable[Model], cells: Any) -> None:
        """A list. `cells`: from an item to its cells, one for each column."""
        if self.form == "json":
            self._json([item.raw for item in items])
        elif self.form == "plain":
            for item in items:  # as they come: a pipe may want only the first
                click.echo("\t".join(map(plain, cells(item))))
        else:
            self._table(columns, [cells(item) for item in items])

    def item(self, model: Model, pairs: Iterable[tuple[str, Any]]) -> None:
        """One object, as its fields."""
        if self.form == "json":
            self._json(model.raw)
        elif self.form == "plain":
            for name, value in pairs:
                click.echo(f"{name}\t{plain(value)}")
        else:
            self._table(None, [(name, value) for name, value in pairs if value is not None])

    def document(self, value: Any) -> None:
        """JSON whatever the form."""
        self._json(value)

    def line(self, model: Model | None, text: str) -> None:
        """What a command has done; in JSON, the object that it was done to."""
        if self.form != "json":
            click.echo(text)
        elif model is not None:
            self._json(model.raw)

    def note(self, text: str) -> None:
        """What is no result: to standard error, on a terminal only."""
        if self.form == "table":
            click.echo(text, err=True)

    def close(self) -> None:
        sys.stdout.flush()

    def _json(self, value: Any) -> None:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def _table(self, columns: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> None:
        """A table whose columns fit the terminal; without columns, names and values."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        if not rows:
            return self.note("Nothing to show.")
        console = Console(highlight=False)
        texts = [[written(value) for value in row] for row in rows]
        columns, texts = fitting(columns, texts, console.width)
        table = Table(box=None, show_header=columns is not None, header_style="bold", pad_edge=False)
        for name, width in zip(columns or ("", ""), widths(columns, texts, console.width), strict=True):
            table.add_column(name, overflow="ellipsis" if columns else "fold", no_wrap=bool(columns), width=width)
        for row in texts:
            table.add_row(*[Text(text, style=COLORS.get(text, "")) for text in row])
        return console.print(table)


def fitting(columns: Sequence[str] | None, rows: list[list[str]], width: int) -> tuple[Any, list[list[str]]]:
    """Without the long ids at the end of each row, where the terminal is too narrow and a row has a shorter name."""
    if not columns or columns[-1] != "ID" or not all(row[0] for row in rows):
        return columns, rows
    needed = sum(max(len(row[place]) for row in [columns, *rows]) + 2 for place in range(len(columns)))
    return (columns, rows) if needed <= width else (columns[:-1], [row[:-1] for row in rows])


def widths(columns: Sequence[str] | None, rows: list[list[str]], width: int) -> list[int | None]:
    """How wide each column is: what may not be cut gets what it needs, and the others share the rest."""
    if not columns:
        return [None, None]
    needed = [max(len(row[place]) for row in [columns, *rows]) for place in range(len(columns))]
    flexible = sorted((needed[place], place) for place, name in enumerate(columns) if name in FLEXIBLE)
    rest = width - 2 * (len(columns) - 1) - sum(needed) + sum(need for need, _ in flexible)
    for count, (need, place) in enumerate(flexible):
        needed[place] = max(min(need, rest // (len(flexible) - count)), 1)
        rest -= needed[place]
    return list(needed)


def plain(value: Any) -> str:
    """A cell of a line: no tab and no line break, a time in UTC."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return printable(str(value))


def written(value: Any) -> str:
    """A cell of a table."""
    if isinstance(value, datetime):
        return relative(value, datetime.now(UTC))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value)


def printable(text: str) -> str:
    """Without characters that would steer a terminal or end a line."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def relative(moment: datetime, now: datetime) -> str:
    """`in 5 minutes`, `3 hours ago`, `now`."""
    seconds = (moment - now).total_seconds()
    for length, name in UNITS:
        if count := int(abs(seconds) / length + 0.01):  # 1:59:59 is 2 hours
            span = f"{count} {name}{'s' if count != 1 else ''}"
            return f"in {span}" if seconds > 0 else f"{span} ago"
    return "now"
