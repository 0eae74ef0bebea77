"""From when to when a list is shown, and in which zone the times of a form are."""

import html
import re
from urllib.parse import parse_qsl, unquote, urlencode

import pytest
from marshmallow import ValidationError

from api.dashboard.reader_times import in_utc, zone_of
from models.flows import gates
from models.jobs import records, replays
from models.jobs.job_tables import Job
from models.operations import failures
from models.rules import clock
from models.rules.times import parse_instant
from models.schedules.backfills.backfill_tables import Backfill
from tests.support.browsers import Markup, submit_schedule
from tests.support.log_rows import insert_log_rows
from tests.support.rows import make_failed_job, make_job

BERLIN = "Europe/Berlin"
LISTS = ("/jobs", "/logs", "/failures")


def at(text):
    return parse_instant(f"2026-01-01T{text}Z")


def add_at(browser, path, name, instant):
    """Something that the list at the path shows under the name."""
    if path == "/jobs":
        make_job(browser.account, name=name, inserted_at=instant)
    elif path == "/logs":
        insert_log_rows([records.log_row(browser.account.id, 1, None, "worker.http.request", {"url": name}, instant)])
    else:
        job = make_failed_job(browser.account, name, "timeout")
        Job.update(attempted_at=instant, inserted_at=instant).where(Job.id == job.id).execute()


def shown(browser, path, **fields):
    """Which of the names the list shows."""
    answer = browser.client.get(path, query_string=fields)
    assert answer.status_code == 200, answer.text
    return [name for name in ("old.example", "now.example") if name in answer.text]


@pytest.mark.parametrize("path", LISTS)
def test_a_preset_shows_what_is_as_young(alice, moved_clock, path):
    add_at(alice, path, "old.example", clock.now() - 2 * clock.HOUR)
    add_at(alice, path, "now.example", clock.now() - clock.MINUTE)

    assert shown(alice, path, span="1h") == ["now.example"]
    for span in ("24h", "7d", "all"):
        assert shown(alice, path, span=span) == ["old.example", "now.example"]


@pytest.mark.parametrize("path", LISTS)
def test_times_of_a_range_are_those_of_the_zone_beside_them(alice, moved_clock, path):
    add_at(alice, path, "old.example", at("07:30:00"))
    add_at(alice, path, "now.example", at("08:30:00"))

    assert shown(alice, path, after="2026-01-01T09:00", zone=BERLIN) == ["now.example"]
    assert shown(alice, path, before="2026-01-01T09:00", zone=BERLIN) == ["old.example"]
    assert shown(alice, path, after="2026-01-01T07:00", before="2026-01-01T08:00") == ["old.example"]
    assert shown(alice, path, after="2026-01-01T08:00:00.000000Z", zone=BERLIN) == ["now.example"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("before", ["2026-01-01T09:00", "2026-01-01T09:00:01"])
def test_a_range_that_ends_before_it_begins_is_told_and_kept(alice, moved_clock, path, before):
    own = {"after": "2026-01-01T09:00:01", "before": before, "zone": BERLIN}
    answer = alice.client.get(path, query_string=own)

    assert answer.status_code == 422
    assert "must be later than the beginning of the range" in answer.text
    for instant in ("08:00:01", f"08:{before[14:]}:00"[:8]):
        assert f'data-instant="2026-01-01T{instant}.000000Z"' in answer.text
    assert '<details class="range" id="range" open>' in answer.text


@pytest.mark.parametrize(
    "ends",
    [("active_after", "active_before"), ("failed_after", "failed_before"), ("scheduled_after", "scheduled_before")],
)
def test_other_ranges_of_jobs_end_after_they_begin(alice, moved_clock, ends):
    for times, status in ((("08:00", "07:00"), 422), (("08:00", "08:00"), 422), (("07:00", "08:00"), 200)):
        fields = {name: f"2026-01-01T{time}" for name, time in zip(ends, times, strict=True)}
        assert alice.client.get("/jobs", query_string=fields).status_code == status


@pytest.mark.parametrize("path", LISTS)
def test_a_range_in_a_zone_that_is_none_is_kept_as_it_was_typed(alice, path):
    own = {"after": "2026-01-01T09:00", "zone": "Nowhere/Land"}
    picker = alice.client.get(path, query_string=own).text.split('id="range"')[1].split("</form>")[0]
    assert 'name="after" type="datetime-local" step="1" value="2026-01-01T09:00"' in picker


@pytest.mark.parametrize(
    ("path", "wrong"), [("/jobs", {"host": "a b"}), ("/jobs", {"q": "nonsense:1"}), ("/logs", {"job": "x"})]
)
def test_an_error_elsewhere_leaves_the_range_as_it_was(alice, moved_clock, path, wrong):
    preset = alice.client.get(path, query_string=wrong | {"span": "7d"})
    own = alice.client.get(path, query_string=wrong | {"after": "2026-01-01T07:00:00.000000Z"})

    assert (preset.status_code, own.status_code) == (422, 422)
    assert re.findall(r'aria-current="true">([^<]+)</a>', preset.text)[-1:] == ["7 days"]
    assert '<details class="range" id="range"><summary>' in preset.text
    assert 'data-instant="2026-01-01T07:00:00.000000Z"' in own.text.split('id="range"')[1]


def test_another_range_keeps_a_search_that_is_wrong(alice, moved_clock):
    picker = html.unescape(alice.client.get("/jobs", query_string={"q": "nonsense:1"}).text.split('class="ranges"')[1])
    assert "/jobs?q=nonsense:1&span=1h" in picker
    assert '<input type="hidden" name="q" value="nonsense:1">' in picker


@pytest.mark.parametrize("path", LISTS)
def test_times_of_ones_own_outrank_a_preset(alice, moved_clock, path):
    add_at(alice, path, "old.example", at("07:30:00"))
    add_at(alice, path, "now.example", at("08:30:00"))

    assert shown(alice, path, span="1h", after="2026-01-01T07:00") == ["old.example", "now.example"]


@pytest.mark.parametrize("path", LISTS)
def test_a_range_that_cant_be_read_is_told(alice, path):
    unknown = {"after": "2026-01-01T09:00", "zone": "Nowhere/Land"}
    for name, fields in {"after": {"after": "soon"}, "zone": unknown}.items():
        answer = alice.client.get(path, query_string=fields)
        assert answer.status_code == 422
        assert f"{name.replace('after', 'from')} must be" in answer.text


@pytest.mark.parametrize("path", LISTS)
def test_the_picker_says_which_range_is_shown_and_keeps_its_times(alice, moved_clock, path):
    preset, own = (alice.get(f"{path}?{query}").text for query in ("span=7d", "after=2026-01-01T07:00&zone=UTC"))

    assert re.findall(r'aria-current="true">([^<]+)</a>', preset)[-1:] == ["7 days"]
    assert '<details class="range" id="range"><summary>' in preset
    assert '<details class="range" id="range" open>' in own
    assert 'value="2026-01-01T07:00:00" data-instant="2026-01-01T07:00:00.000000Z"' in own


def test_a_range_of_jobs_keeps_their_other_filters(alice, moved_clock):
    text = html.unescape(alice.get("/jobs?state=discarded&host=a.example&span=7d").text)

    assert "/jobs?state=discarded&host=a.example&span=1h" in text
    assert '<input type="hidden" name="span" value="7d">' in text


def test_a_preset_is_not_written_into_the_search_as_an_instant(alice, moved_clock):
    assert ' value="host:a.example"' in alice.get("/jobs?host=a.example&span=7d").text


def test_a_time_in_the_search_outranks_a_preset(alice, moved_clock):
    add_at(alice, "/jobs", "old.example", clock.now() - 2 * clock.HOUR)
    assert shown(alice, "/jobs", q="after:3h", span="1h") == ["old.example"]


def test_the_log_of_a_time_that_is_over_is_not_followed(alice, moved_clock):
    assert "data-tail" in alice.get("/logs?span=1h").text
    for own in ("before=2026-01-01T07:00", "before=2027-01-01T07:00", "after=2026-01-01T09:00:01"):
        text = alice.get(f"/logs?{own}").text
        assert "data-tail" not in text
        assert "appear here by themselves" not in text


@pytest.mark.parametrize(
    ("own", "status"), [("after=2026-01-01T09:00:00Z", 200), ("after=2026-01-01T09:00:01Z", 422), ("before=1", 422)]
)
def test_no_stream_follows_a_range_that_is_over_or_to_come(alice, moved_clock, own, status):
    with alice.client.get(f"/logs/stream?{own}", buffered=False) as answer:
        assert answer.status_code == status


def test_a_group_of_failures_is_run_again_within_the_range_that_is_shown(alice, moved_clock):
    for instant in (at("07:30:00"), at("08:30:00")):
        add_at(alice, "/failures", "a.example", instant)

    alice.send(
        "/failures/again", state="discarded", host="a.example", reason="timeout", before="2026-01-01T08:00:00.000000Z"
    )

    assert Job.select().where(Job.state == "available").count() == 1


@pytest.mark.parametrize("shown", [{"before": "2026-01-01T08:00:00.000000Z"}, {"span": "all"}])
def test_a_group_of_which_nothing_is_left_leads_back_to_the_range_that_was_shown(alice, moved_clock, shown):
    answer = alice.send("/failures/again", state="discarded", host="a.example", reason="timeout", **shown)

    path, _, query = answer.location.partition("?")
    assert (path, dict(parse_qsl(query))) == ("/failures", {"note": "none_waits", **shown})


@pytest.fixture
def failed_twice(alice, moved_clock):
    """Of one group: a job that failed at 07:30 and one that failed at 08:30, both made at 07:00; and one that was run
    again."""
    for name, instant in (("old", at("07:30:00")), ("now", at("08:30:00")), ("seen to", at("08:30:00"))):
        job = make_failed_job(alice.account, "a.example", "timeout")
        Job.update(name=name, attempted_at=instant, inserted_at=at("07:00:00")).where(Job.id == job.id).execute()
    replays.replay(alice.account.id, [job.id], clock.now())


def links_of(browser, path, part):
    return [tag["href"] for name, tag in Markup(browser.get(path).text).tags if name == "a" and part in tag["href"]]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/failures?span=1h", ["now"]),
        ("/failures?before=2026-01-01T08:00", ["old"]),
        ("/failures?after=2026-01-01T09:00&zone=Europe/Berlin", ["now"]),
        ("/failures?span=all", ["old", "now"]),
        ("/failures", ["old", "now"]),
        ("/", ["old", "now"]),
    ],
)
def test_a_group_of_failures_leads_to_the_jobs_that_it_counts(alice, failed_twice, path, names):
    [link] = links_of(alice, path, "/jobs?state=discarded")
    listed = alice.get(link).text
    assert [name for name in ("old", "now", "seen to") if f"<bdi>{name}</bdi></a>" in listed] == names


def test_many_jobs_of_a_group_are_run_again_within_the_range_that_is_shown(alice, failed_twice, monkeypatch):
    monkeypatch.setattr(failures, "EXAMPLES", 0)
    for path, jobs in (("/failures?span=1h", "1 job matches"), ("/failures?span=all", "2 jobs match")):
        [link] = links_of(alice, path, "/jobs/bulk")
        assert jobs in alice.get(link).text


def test_a_question_about_a_group_leads_back_to_its_range(alice, failed_twice, monkeypatch):
    monkeypatch.setattr(failures, "EXAMPLES", 0)
    shown = "/failures?before=2026-01-01T08:00:00.000000Z"
    [link] = links_of(alice, shown, "/jobs/bulk")
    assert unquote(links_of(alice, link, "/failures?")[0]) == shown
    [link] = links_of(alice, "/failures?span=all", "/jobs/bulk")
    assert links_of(alice, link, "/failures?") == ["/failures?span=all"]


def test_the_times_of_an_operation_are_shown_in_the_readers_zone(alice, failed_twice, monkeypatch):
    monkeypatch.setattr(failures, "EXAMPLES", 0)
    [link] = links_of(alice, "/failures?before=2026-01-01T08:00", "/jobs/bulk")
    shown = '<code><time datetime="2026-01-01T08:00:00.000000Z" data-local'
    question = alice.get(link).text
    form = {
        tag["name"]: tag["value"]
        for _, tag in Markup(question.split('id="bulk"')[1]).tags
        if tag.get("type") == "hidden"
    }
    assert shown in question
    assert shown in alice.get(alice.client.post("/jobs/bulk", data=form).location).text


def test_the_form_of_filters_keeps_those_that_it_does_not_show(alice, moved_clock):
    """Else a list would become wider than the one that its reader narrows."""
    fields = {"url": "https://a.example/x", "parent": "7", "replayed": "false"}
    text = alice.get(f"/jobs?{urlencode(fields)}&failed_after=2026-01-01T07:00").text
    form = text.split('aria-label="Filter jobs"')[1].split("</form>")[0]
    for name, value in fields.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert 'data-instant="2026-01-01T07:00:00.000000Z"' in form


def test_a_pause_ends_at_the_time_of_the_readers_zone(alice, moved_clock):
    form = {"key": "a.example", "until": "2026-01-02T10:00", "zone": BERLIN}
    assert alice.send("/hosts/pause", **form).status_code == 303
    assert gates.find(alice.account.id, "host", "a.example").paused_until == parse_instant("2026-01-02T09:00:00Z")


def test_a_pause_with_a_zone_that_is_none_pauses_nothing(alice, moved_clock):
    form = {"key": "a.example", "until": "2026-01-02T10:00", "zone": "Nowhere/Land"}
    answer = alice.send("/hosts/pause", **form)
    assert (answer.status_code, "zone must be a time zone" in answer.text) == (422, True)
    assert gates.find(alice.account.id, "host", "a.example") is None


@pytest.mark.parametrize("path", [*LISTS, "/find/results"])
def test_a_zone_that_is_none_matters_only_to_a_time(alice, path):
    """A browser may know zones that the server does not."""
    assert alice.client.get(path, query_string={"q": "shop", "zone": "Etc/Unknown"}).status_code == 200
    assert alice.send("/hosts/pause", key="a.example", until="", zone="Etc/Unknown").status_code == 303


def test_a_time_in_the_box_is_not_read_in_a_zone_that_is_none(alice):
    answer = alice.client.get("/jobs", query_string={"q": "after:2026-01-01", "zone": "Etc/Unknown"})
    assert (answer.status_code, "zone must be a time zone" in answer.text) == (422, True)


def test_a_backfill_covers_the_times_of_the_readers_zone(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    past = {"from": "2026-01-01T07:00", "to": "2026-01-01T08:00", "zone": BERLIN}
    assert alice.send(f"/schedules/{made.id}/backfill", **past).status_code == 303
    assert [(row.first_at, row.last_at) for row in Backfill.select()] == [(at("06:00:00"), at("07:00:00"))]


@pytest.mark.parametrize(
    ("past", "status", "problem"),
    [
        ({"from": "2026-01-01T08:00", "to": "2026-01-01T07:00"}, 422, "to must not be before from"),
        ({"from": "2026-01-01T08:00", "to": "2026-01-01T11:00"}, 422, 'not in the future, got "2026-01-01T11:00"'),
        ({"from": "2026-01-01T07:10", "to": "2026-01-01T07:20"}, 422, "from must leave a range with an instant"),
        ({"from": "2026-01-01T07:00", "to": "2026-01-01T08:00"}, 409, "of this schedule is running"),
    ],
)
def test_a_backfill_that_is_refused_is_kept_as_it_was_typed(alice, moved_clock, past, status, problem):
    made = submit_schedule(alice, cron="0 * * * *")
    if status == 409:
        alice.send(f"/schedules/{made.id}/backfill", **past, zone=BERLIN)

    answer = alice.send(f"/schedules/{made.id}/backfill", **past, zone=BERLIN)

    form = html.unescape(answer.text.split('<details id="backfill" open>')[1].split("</form>")[0])
    assert answer.status_code == status
    assert problem in form
    for text in past.values():
        assert f'value="{text}"' in form


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "a\0b", "x" * 5000])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(ValidationError, match="time zone that this server knows"):
        zone_of(name)


def test_without_a_zone_times_are_those_of_utc():
    assert in_utc({"after": "2026-07-01T10:00", "text": "2026-07-01"}, ("after",)) == {
        "after": "2026-07-01T10:00:00.000000Z",
        "text": "2026-07-01",
    }
    assert zone_of("").key == "UTC"
