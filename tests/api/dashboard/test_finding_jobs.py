"""Finding jobs on the page: the search box, the columns, and exports of what is shown."""

import csv
import io
import json

import pytest

from api.dashboard.searching import job_export
from models.jobs import labels
from models.jobs.records import AttemptRow, add_attempts
from models.rules import clock, times
from tests.support.browsers import submit_schedule
from tests.support.rows import make_job


def get(browser, q, **fields):
    return browser.client.get("/jobs", query_string={"q": q, **fields})


def export(browser, form, **fields):
    answer = browser.client.get(f"/jobs/export.{form}", query_string=fields)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_search_shows_the_jobs_that_match_alone(alice):
    lost = make_job(alice.account, "discarded", host="a.example", name="lost")
    sent = make_job(alice.account, "completed", host="a.example", name="sent")

    page = get(alice, "state:failed host:a.example").text

    assert (f"/jobs/{lost.uuid}" in page, f"/jobs/{sent.uuid}" in page) == (True, False)


@pytest.mark.parametrize("box", [True, False])
def test_jobs_are_found_by_when_they_are_due(alice, moved_clock, box):
    names = ("a minute early", "due", "a minute late")
    for name, minutes in zip(names, (9, 10, 11), strict=True):
        make_job(alice.account, "scheduled", due_in_s=60 * minutes, name=name)
    first, last = (times.format_instant(clock.now() + minutes * clock.MINUTE) for minutes in (10, 11))
    fields = {"scheduled_after": first, "scheduled_before": last}

    q = " ".join(f"{name}:{value}" for name, value in fields.items())
    page = get(alice, q).text if box else get(alice, "", **fields, zone="UTC").text

    assert [name in page for name in names] == [False, True, False]


def test_an_id_leads_to_its_job_or_schedule(alice, bob):
    job, schedule = make_job(alice.account), submit_schedule(alice)

    assert get(alice, str(job.id)).location == f"/jobs/{job.uuid}"
    assert get(alice, f" {str(job.uuid).upper()} ").location == f"/jobs/{job.uuid}"
    assert get(alice, str(schedule.id)).location == f"/schedules/{schedule.id}"
    assert get(bob, str(job.id)).status_code == 200


def test_a_word_that_is_a_label_finds_its_jobs(alice, bob):
    job = make_job(alice.account)
    labels.add([(alice.account.id, "vip", job.inserted_at, job.id)])
    other = make_job(alice.account)

    page = get(alice, "vip").text

    assert (f"/jobs/{job.uuid}" in page, f"/jobs/{other.uuid}" in page) == (True, False)
    assert "<code>label:vip</code>" in page
    assert "<code>label:vip</code>" not in get(bob, "vip").text


def test_an_unknown_word_is_told_and_kept_in_the_box(alice):
    make_job(alice.account)
    answer = get(alice, "colour:red")
    assert answer.status_code == 422
    assert "unknown word colour" in answer.text
    assert 'value="colour:red"' in answer.text


def test_a_day_begins_in_the_zone_of_the_reader(alice, moved_clock):
    make_job(alice.account, name="night", inserted_at=clock.now() - clock.now() % clock.DAY - 2 * clock.HOUR)
    assert ">Europe" not in get(alice, "after:today", zone="Europe/Berlin").text
    assert "night" not in get(alice, "after:today", zone="Europe/Berlin").text
    assert "night" in get(alice, "after:today", zone="Asia/Tokyo").text


def test_a_list_shows_what_the_latest_attempt_came_to(alice):
    job = make_job(alice.account, "discarded", attempt=2)
    add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "answered", 503, "status_503")])
    add_attempts([AttemptRow(job.id, 2, 0, 0, 12_000, "unreachable", None, "certificate_expired")])

    page = alice.get("/jobs").text

    assert "the target&#39;s certificate has expired" in page
    assert ">12 ms<" in page
    assert 'data-unit="attempts">2<' in page


def test_a_list_shows_how_late_a_waiting_job_is_so_far(alice, moved_clock):
    make_job(alice.account, "scheduled", due_in_s=-90)
    make_job(alice.account, "scheduled", due_in_s=90)
    page = alice.get("/jobs").text
    assert 'data-unit="late">1 min 30 s<' in page
    assert 'data-unit="late">–<' in page


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_holds_what_the_list_shows(alice, bob, form):
    job = make_job(alice.account, "discarded", name="lost", url="https://example.com/a,b", attempt=1)
    add_attempts([AttemptRow(job.id, 1, 0, 0, 1500, "answered", 500, "status_500")])
    make_job(alice.account, "completed")
    make_job(bob.account, "discarded")

    answer = export(alice, form, q="state:failed")

    rows = rows_of(answer) if form == "csv" else [json.loads(line) for line in answer.text.splitlines()]
    [row] = rows
    assert (row["id"], row["state"], row["url"]) == (str(job.uuid), "discarded", "https://example.com/a,b")
    assert (str(row["attempts"]), str(row["status_code"]), str(row["lateness_ms"])) == ("1", "500", "1.5")
    assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_of_an_export_is_a_formula(alice, text):
    make_job(alice.account, name=text)
    [row] = rows_of(export(alice, "csv"))
    assert row["name"] == f"'{text}"


def test_a_number_of_an_export_stays_a_number(alice, moved_clock):
    make_job(alice.account, attempt=1, due_in_s=60, state="scheduled")
    [row] = rows_of(export(alice, "csv"))
    assert row["attempts"] == "0"


def test_an_export_goes_over_pages_and_says_where_it_ends(alice, monkeypatch):
    for _ in range(7):
        make_job(alice.account)
    monkeypatch.setattr(job_export, "AT_ONCE", 2)
    assert len(rows_of(export(alice, "csv"))) == 7

    monkeypatch.setattr(job_export, "MAX_JOBS", 5)
    *rows, last = rows_of(export(alice, "csv"))
    assert (len(rows), last["id"].partition(".")[0]) == (5, "More jobs may match")
    *lines, last = export(alice, "jsonl").text.splitlines()
    assert (len(lines), list(json.loads(last))) == (5, ["note"])


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({}, "They were created at 2026-01-01T09:00:00.000000Z or earlier."),
        ({"due": "overdue"}, "They were due at 2026-01-01T08:58:00.000000Z or later."),
    ],
)
def test_an_export_that_is_cut_says_which_jobs_are_missing(alice, moved_clock, monkeypatch, fields, rest):
    for due_in_s in (-60, -120):
        make_job(alice.account, due_in_s=due_in_s)
    monkeypatch.setattr(job_export, "MAX_JOBS", 1)
    assert rows_of(export(alice, "csv", **fields))[-1]["id"] == f"More jobs may match. {rest}"


def test_an_export_of_a_search_that_is_wrong_is_refused(alice):
    assert alice.client.get("/jobs/export.csv?q=colour:red").status_code == 422
    assert alice.client.get("/jobs/export.xml").status_code == 404


def test_nobody_exports_without_signing_in(nobody):
    assert nobody.get("/jobs/export.csv").status_code == 303


HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '<script>alert(1)</script>"',
    'a","b\nc',
    "=cmd|' /C calc'!A0",
)


def test_a_hostile_text_in_any_column_is_text_in_every_export(alice):
    for text in HOSTILE:
        args = json.dumps({"method": text, "url": text, "labels": [text]})
        job = make_job(alice.account, "discarded", name=text, args=args, attempt=1)
        add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "answered", 503, text)])

    as_csv, as_lines = export(alice, "csv"), export(alice, "jsonl")

    rows = list(csv.reader(io.StringIO(as_csv.text)))
    assert {len(row) for row in rows} == {len(job_export.COLUMNS)}
    cells = [cell for row in rows[1:] for cell in row]
    assert [cell for cell in cells if cell.startswith(job_export.FORMULA_BEGINS)] == []
    names = [json.loads(line)["name"] for line in as_lines.text.splitlines()]
    assert sorted(names) == sorted(HOSTILE)
    for answer in (as_csv, as_lines):
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.mimetype != "text/html"
