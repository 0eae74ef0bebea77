"""Charts, timelines, curl commands and written values: pure, from numbers to shapes and texts."""

import shlex
import subprocess

import pytest

from api.dashboard import attempt_bars, charts, filters
from api.dashboard.curl import curl
from api.dashboard.timelines import health_cards, spans, timeline_drawing
from models.jobs.records import AttemptRow
from models.operations.heartbeats import Minute
from models.operations.timelines.attempt_counts import Count as AttemptCount
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.times import format_instant


def test_bars_stand_on_the_floor_and_failures_on_top_of_them():
    columns = [{"completed": 0, "failed": 0}, {"completed": 6, "failed": 2}, {"completed": 4, "failed": 0}]
    bars = charts.stacked_bars(columns, ["a", "b", "c"])
    assert [(bar.kind, bar.y, bar.height) for bar in bars] == [
        ("completed", 30.0, 90.0),
        ("failed", 0.0, 30.0),
        ("completed", 60.0, 60.0),
    ]
    assert bars[0].title == "b"
    assert 200 <= bars[0].x < bars[2].x < 600


def test_failed_attempts_of_a_slice_stand_on_the_others():
    counts = {0: AttemptCount(3, 1), MINUTE: AttemptCount(0, 4), 2 * MINUTE: AttemptCount(0, 0)}
    first, second = timeline_drawing.blocks(counts, {}, MINUTE, spans.SPANS[0], 4)
    assert [bar.kind for bar in first.bars] == ["done", "failed"]
    done, failed = first.bars
    assert failed.y + failed.height == pytest.approx(done.y)
    assert done.height == pytest.approx(3 * failed.height, rel=0.1)
    assert [bar.kind for bar in second.bars] == ["failed"]
    assert second.bars[0].y + second.bars[0].height == pytest.approx(done.y + done.height)


@pytest.mark.parametrize(
    ("completed", "failed", "look"), [(99, 1, "good"), (989, 11, "warn"), (95, 5, "warn"), (949, 51, "bad"), (0, 0, "")]
)
def test_the_rate_of_success_is_good_from_99_and_bad_below_95_percent(bare, completed, failed, look):
    minute = Minute(0, completed, failed, None, None)
    with bare.app.test_request_context():
        assert health_cards._success([minute], 0).look == look


ANSWERED = AttemptRow(1, 1, 0, 100_000, 20_000, "answered", 200, None, 10.0, 20.0, 30.0, 80.0, 100.0)


def test_an_attempt_is_cut_into_its_phases_from_its_start():
    """From when it was due on, its lateness was drawn longer than the request, as if that were the fault."""
    assert [(p.kind, p.start_ms, p.length_ms) for p in attempt_bars.phases(ANSWERED)] == [
        ("dns", 0, 10.0),
        ("connect", 10.0, 20.0),
        ("tls", 30.0, 30.0),
        ("first_byte", 60.0, 20.0),
        ("body", 80.0, 20.0),
    ]


@pytest.mark.parametrize(
    ("attempt", "kinds"),
    [
        (ANSWERED._replace(dns_ms=None, connect_ms=None, tls_ms=None), ["first_byte", "body"]),
        (ANSWERED._replace(first_byte_ms=None), ["dns", "connect", "tls", "nothing"]),
        (AttemptRow(1, 1, 0, 30_000_000, 0, "lost"), ["nothing"]),
        (AttemptRow(1, 1, 0, 0, 0, "refused"), []),
        (ANSWERED._replace(first_byte_ms=200.0), ["dns", "connect", "tls", "first_byte"]),
    ],
)
def test_what_was_not_reached_has_no_phase(attempt, kinds):
    assert [phase.kind for phase in attempt_bars.phases(attempt)] == kinds


def test_all_attempts_share_one_scale():
    slow = ANSWERED._replace(number=2, total_ms=1000.0)
    bars = attempt_bars.bars_of([ANSWERED, slow])
    assert sum(bar.width for bar in bars[2]) == pytest.approx(charts.WIDTH, abs=2)
    assert sum(bar.width for bar in bars[1]) == pytest.approx(charts.WIDTH * 100 / 1000, abs=4)


def as_the_shell_reads(command):
    """The arguments after a real shell has read the command."""
    script = f"set -- {command}\nprintf '%s\\0' \"$@\""
    return subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("nasty", ["it's", '"$(id)"', "`id`", "a\nb", "$HOME", "@/etc/passwd", "-o x", "!!", "e\\"])
def test_a_curl_command_means_the_same_whatever_the_values(nasty):
    args = {"method": "post", "url": "https://example.com/a[1]?b", "headers": {"X-A": nasty}, "query": {"q": nasty}}
    words = as_the_shell_reads(curl(args, nasty.encode(), "application/json"))
    assert words[:3] == ["curl", "-X", "POST"]
    assert f"X-A: {nasty}" in words
    assert "Content-Type: application/json" in words
    assert words[words.index("--data-raw") + 1] == nasty
    assert words[-2] == "--url"
    assert words[-1].startswith("https://example.com/a[1]?b&q=")


def test_a_curl_command_leaves_out_what_is_not_there():
    assert (
        curl({"url": "https://example.com/"}, None, None)
        == "curl -X GET --globoff --path-as-is --url https://example.com/"
    )
    assert curl({"method": "head", "url": "https://example.com/"}, None, None).startswith("curl --head ")
    assert curl({"method": "head", "url": "https://example.com/"}, b"a", "x/y").startswith("curl -X HEAD -H ")
    own = shlex.split(curl({"url": "https://a.example", "headers": {"content-type": "x/y"}}, b"z", "text/plain"))
    assert [word for word in own if "ontent-" in word] == ["content-type: x/y"]


@pytest.mark.parametrize(
    ("span_us", "text"),
    [
        (500, "0.5 ms"),
        (45_000, "45 ms"),
        (SECOND, "1 s"),
        (90 * SECOND, "1 min 30 s"),
        (59 * MINUTE, "59 min"),
        (HOUR, "1 h"),
        (25 * HOUR, "1 d 1 h"),
        (40 * DAY, "40 d"),
        (999, "1.0 ms"),
        (9_999, "10.0 ms"),
        (10_000, "10 ms"),
        (SECOND - 1, "1000 ms"),
        (2 * SECOND - 1, "1 s"),
        (MINUTE - 1, "59 s"),
        (10 * MINUTE - 1, "9 min 59 s"),
        (10 * MINUTE + SECOND, "10 min"),
        (HOUR - 1, "59 min"),
        (10 * HOUR - 1, "9 h 59 min"),
        (10 * HOUR + MINUTE, "10 h"),
        (DAY - 1, "23 h"),
        (10 * DAY - 1, "9 d 23 h"),
        (10 * DAY + HOUR, "10 d"),
        (DAY + MINUTE, "1 d"),
    ],
)
def test_a_length_of_time_is_written_in_its_greatest_units(span_us, text):
    assert filters.span(span_us) == text


def test_an_instant_is_written_from_the_present():
    assert filters.ago(1000 * SECOND, 1000 * SECOND) == "now"
    assert filters.ago(1004 * SECOND, 1000 * SECOND) == "in 4 s"
    assert filters.ago(940 * SECOND, 1000 * SECOND) == "1 min ago"
    assert filters.utc(0) == "1970-01-01 00:00:00 UTC"
    assert filters.utc(None) == filters.ago(None) == filters.iso(None) == ""


def test_a_sentence_is_parted_at_the_instants_that_it_names():
    text = f"Attempt 1 began at {format_instant(7)}. It is taken back at {format_instant(10**12)}."
    assert filters.pieces(text) == ["Attempt 1 began at ", 7, ". It is taken back at ", 10**12, "."]
    assert filters.pieces("on 2026-01-01, 2026-01-01T00:00:00Z") == ["on 2026-01-01, 2026-01-01T00:00:00Z"]
    assert filters.exact(7) == "1970-01-01 00:00:00.000007 UTC"


def test_json_is_indented_and_what_is_none_is_left_as_it_is():
    assert filters.pretty('{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert filters.pretty({"é": None}) == '{\n  "é": null\n}'
    for text in ("{not json", "plain", "", "[" * 100_000):
        assert filters.pretty(text)[:20_000] == text[:20_000]
    assert len(filters.pretty("x" * 10**6)) < 21_000


def test_a_capped_count_says_so():
    assert [filters.capped(count) for count in (0, 9_999, 10_000, 10_001)] == ["0", "9,999", "10,000", "10,000+"]
