"""Writes the jobs of a search as CSV or as JSON lines, in pieces, the newest first and MAX_JOBS at most.

A text in CSV that a spreadsheet would take for a formula gets an apostrophe in front. Where an export ends before the
jobs do, its last line says so.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from api.dashboard.filters import ended_at
from api.dashboard.searching.job_columns import ListedJob, listed_jobs
from api.responses.timestamps import micros_utc
from models.database.connection import connection
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import job_lists
from models.jobs.searches.job_filter import JobFilter
from models.rules import clock

MAX_JOBS = 10_000
AT_ONCE = 500
MAX_LOOKS = 40  # pages, of which a search may fill none
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = (
    *("id", "job_id", "state", "kind", "method", "url", "name", "labels", "scheduled_at", "ended_at", "created_at"),
    *("attempts", "status_code", "reason", "lateness_ms"),
)
Line = Callable[[list[Any]], str]


def pieces(account_id: int, job_filter: JobFilter, page: PageRequest, line: Line) -> Iterator[str]:
    """The export; it holds no connection while its reader takes a piece."""
    left, last_at = MAX_JOBS, 0
    for _ in range(MAX_LOOKS):
        with connection():
            part = job_lists.listed(account_id, job_filter, page._replace(limit=min(left, AT_ONCE)))
            rows = listed_jobs(part.rows, clock.now())
        yield "".join(line(values(row)) for row in rows)
        left -= len(rows)
        if part.end is None:
            return
        page, last_at = page._replace(place=part.end), int(part.end.value or 0)
        if left <= 0:
            break
    rest = "created at {} or earlier" if page.order == NEWEST_FIRST else "due at {} or later"
    yield line([f"More jobs may match. They were {rest.format(micros_utc(last_at))}."])


def values(row: ListedJob) -> list[Any]:
    """What the list shows of a job, in the order of COLUMNS."""
    job, request = row.job, json.loads(row.job.args)
    return [
        *(job.uuid, job.id, job.state, job.kind, str(request.get("method", "get")).upper()),
        *(request.get("url"), job.name, request.get("labels") or []),
        *(micros_utc(job.scheduled_at), micros_utc(ended_at(job)), micros_utc(job.inserted_at)),
        *(row.attempts, row.status_code, row.reason, None if row.lateness_us is None else row.lateness_us / 1000),
    ]


def csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([csv_cell(cell) for cell in cells])
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet computes."""
    text = " ".join(map(str, value)) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_BEGINS) else text


def json_line(cells: list[Any]) -> str:
    row = {"note": cells[0]} if len(cells) == 1 else dict(zip(COLUMNS, cells, strict=True))
    return json.dumps(row, ensure_ascii=False) + "\n"


FORMS: dict[str, tuple[str, Line, str]] = {  # the media type, how a line is written, what comes first
    "csv": ("text/csv", csv_line, csv_line(list(COLUMNS))),
    "jsonl": ("application/x-ndjson", json_line, ""),
}
