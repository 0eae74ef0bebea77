"""Files that declare more than schedules: calendars, groups, flows, endpoints, channels and alert rules."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from booper_client import Client
from booper_client.cli import failures
from booper_client.cli.failures import Refusal
from booper_client.cli.files import declaration_files, plan
from booper_client.cli.files.kinds.registry import KINDS
from models.webhooks import endpoints
from tests.support.command_line import in_a_pipe

SLACK = "https://hooks.slack.com/services/T0/B0/s3cret"
FILE = f"""
alerts:
  reports:
    scope: {{schedule: report}}
    on: [failed, recovered]
    after: 2
    quiet: {{from: "22:00", to: "07:00", timezone: Europe/Berlin}}
    to: [{{slack: {SLACK}}}, {{webhook: "https://ops.example.com/hook"}}]
schedules:
  report:
    group: regions
    cron: "0 9 * * *"
    exclude: {{calendars: [holidays]}}
    flow: {{key: shop-42}}
calendars:
  holidays: {{days: [2026-12-08, {{from: 2026-12-24, to: 2027-01-06}}]}}
groups:
  regions:
    targets:
      - {{name: eu, url: "https://eu.example.com/", headers: {{Authorization: Bearer s3cret}}}}
      - {{name: us, url: "https://us.example.com/"}}
flows:
  shop-42: {{rate: 10, per: 1m, concurrency: 3}}
endpoints:
  https://example.com/events: {{types: [job.finished, job.cancelled]}}
channels:
  slack: {{url: {SLACK}}}
"""
EQUAL = "0 to create, 0 to change, 0 to delete, 7 unchanged.\n"


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


@pytest.fixture
def apply(booper, tmp_path):
    """Applies a text as a file, with further words."""

    def run(text, *words):
        (tmp_path / "file.yaml").write_text(text)
        return booper("schedules", "apply", str(tmp_path / "file.yaml"), *words)

    return run


@pytest.fixture
def applied(apply):
    run = apply(FILE, "--yes")
    assert run.code == 0, run.err
    return run


def there(api):
    """The names of what there is, by kind."""
    return {kind.name: sorted(kind.there(api)) for kind in KINDS}


def test_everything_that_a_file_declares_is_made(applied, api):
    assert applied.out.endswith("7 to create, 0 to change, 0 to delete, 0 unchanged.\n")
    assert there(api) == {
        "calendars": ["holidays"],
        "groups": ["regions"],
        "flows": ["shop-42"],
        "endpoints": ["https://example.com/events"],
        "channels": ["slack"],
        "schedules": ["report"],
        "alerts": ["reports"],
    }
    [alert] = api.alerts.list()
    assert alert.scope == {"schedule": api.schedules.get("report").id}
    assert api.flows.get("shop-42").pinned


def test_the_second_time_nothing_changes(applied, apply, api):
    rows = {kind.name: kind.exported(api) for kind in KINDS}

    again = apply(FILE, "--prune")

    assert (again.code, again.out) == (0, EQUAL)
    assert {kind.name: kind.exported(api) for kind in KINDS} == rows


def test_another_spelling_is_no_change(applied, apply):
    spelled = FILE.replace("per: 1m", "per: 60").replace(
        "[job.finished, job.cancelled]", "[job.cancelled, job.finished]"
    )

    assert apply(spelled.replace("after: 2", "after: 2\n    late_after: 5m"), "--dry-run").out == EQUAL


@pytest.mark.parametrize(
    ("old", "new", "title", "line"),
    [
        ("2026-12-08", "2026-12-09", "~ calendar holidays", '+ days: ["2026-12-09"'),
        ("us.example", "usa.example", "~ group regions", '{"name": "us", "url": "https://usa.example.com/"'),
        ("concurrency: 3", "concurrency: 4", "~ flow shop-42", "    - concurrency: 3\n    + concurrency: 4\n"),
        ("job.finished, ", "", "~ endpoint https://example.com/events", '+ types: ["job.cancelled"]'),
        (f"slack: {{url: {SLACK}", f"slack: {{url: {SLACK}2", "~ channel slack", "    (what differs is hidden)\n"),
        ("after: 2", "after: 3", "~ alert rule reports", "    - after: 2\n    + after: 3\n"),
        ("    after: 2\n", "", "~ alert rule reports", "    - after: 2\n    + after: 1\n"),
        (f"slack: {SLACK}", f"slack: {SLACK}2", "~ alert rule reports", "    (what differs is hidden)\n"),
        ("Bearer s3cret", "Bearer s3cret2", "~ group regions", "    (what differs is hidden)\n"),
        ("{calendars: [holidays]}", "[2026-12-08]", "~ schedule report", '+ exclude: ["2026-12-08"]'),
    ],
)
def test_each_kind_is_compared_and_changed(applied, apply, old, new, title, line):
    changed = FILE.replace(old, new)

    shown = apply(changed, "--yes")
    again = apply(changed, "--dry-run")

    assert shown.out.startswith(f"{title}\n"), shown.out
    assert line in shown.out
    assert shown.out.endswith("0 to create, 1 to change, 0 to delete, 6 unchanged.\n")
    assert (again.code, again.out) == (0, EQUAL)


def test_no_output_has_a_secret(applied, apply):
    changed = apply(FILE.replace("s3cret", "s3cret-2"), "--dry-run")
    wrong = apply(FILE.replace("Bearer s3cret", "s3cret\\n").replace(SLACK, "nothing s3cret"), "--dry-run")

    assert changed.code == failures.WOULD_CHANGE
    assert "3 to change" in changed.out
    assert wrong.code in (failures.FAILED, failures.WRONG_USE, failures.WOULD_CHANGE)
    assert "s3cret" not in applied.out + changed.out


def test_what_is_exported_changes_nothing_when_it_is_applied(applied, apply, api, configured):
    api.endpoints.create("https://example.com/events")
    api.endpoints.create("https://example.com/others", enabled=False)
    exported = in_a_pipe(["schedules", "export"], configured)
    document = yaml.safe_load(exported.out)

    again, pruned = apply(exported.out, "--dry-run"), apply(exported.out, "--dry-run", "--prune")

    assert list(document) == ["calendars", "groups", "flows", "endpoints", "channels", "schedules", "alerts"]
    assert exported.err == "1 endpoints have the URL of another and are left out.\n"
    assert document["channels"] == {"slack": {"url": "https://hooks.slack.com/[redacted]"}}
    assert document["alerts"]["reports"]["scope"] == {"schedule": "report"}
    assert (again.code, again.out) == (0, EQUAL.replace("7", "8"))
    assert [line.partition(" (")[0] for line in pruned.out.splitlines()[:-1]] == [
        "- endpoint https://example.com/events"
    ]


def test_a_kind_may_be_exported_alone(applied, booper):
    exported = booper("schedules", "export", "--only", "flows", "--json")

    assert json.loads(exported.out) == {"flows": {"shop-42": {"rate": 10, "per": 60, "concurrency": 3}}}


def test_only_prune_deletes_and_only_of_kinds_that_the_file_mentions(applied, apply, api):
    before = there(api)

    assert apply("flows: {}\nalerts: {}\n", "--yes").code == 0
    assert there(api) == before
    pruned = apply("flows: {}\nalerts: {}\n", "--yes", "--prune")

    assert pruned.out == "- alert rule reports\n- flow shop-42\n0 to create, 0 to change, 2 to delete, 0 unchanged.\n"
    assert there(api) == before | {"flows": [], "alerts": []}


def test_prune_deletes_what_names_before_what_is_named(applied, apply, api):
    pruned = apply("".join(f"{kind.name}: {{}}\n" for kind in KINDS), "--yes", "--prune")

    assert pruned.code == 0, pruned.err
    assert there(api) == {kind.name: [] for kind in KINDS}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "calendars: {}\nschedules:\n  report: {exclude: {calendars: [holidays]}, url: U, cron: '@daily'}",
            "'holidays'",
        ),
        ("groups: {}\nschedules:\n  report: {group: regions, cron: '@daily'}", "'regions'"),
        ("schedules: {}\nalerts:\n  reports: {scope: {schedule: report}, to: [{webhook: U}]}", "'report'"),
    ],
)
def test_prune_refuses_to_delete_what_the_file_names(applied, apply, api, text, mistake):
    before = there(api)

    run = apply(text.replace("U", "https://example.com/"), "--yes", "--prune")

    assert run.code == failures.FAILED
    assert f"{mistake} is not in the file, and --prune would delete it" in run.err
    assert there(api) == before


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("2026-12-08", "2026-02-30", "  line 16: calendars: holidays: days.0: must name days that exist"),
        ("name: us", "name: eu", "  line 21: groups: regions: targets.1.name: must be another"),
        ("per: 1m, ", "", "  line 23: flows: shop-42: per: must be given with rate"),
        ("job.finished, ", "job.done, ", "  line 25: endpoints: https://example.com/events: types: must be"),
        ("  slack: {url", "  sluck: {url", "  line 27: channels: sluck: name: must be one of"),
        ("on: [failed", "on: [fails", "  line 5: alerts: reports: on: must be"),
        ("webhook: ", "webhok: ", "  line 8: alerts: reports: to.1.webhok: unknown field"),
        ("schedule: report", "schedule: others", "  line 4: alerts: reports: scope.schedule: must be"),
        ("[holidays]", "[others]", "  line 13: schedules: report: exclude.calendars: must be"),
    ],
)
def test_a_mistake_is_named_by_its_place_and_nothing_is_changed(apply, api, old, new, mistake):
    run = apply(FILE.replace(old, new), "--yes")

    assert (run.code, run.out) == (failures.FAILED, "")
    assert f"nothing was changed:\n{mistake}" in run.err
    assert set(map(str, there(api).values())) == {"[]"}


def test_until_when_a_rule_is_muted_stays_as_it_is(applied, apply, api):
    [alert] = api.alerts.list()
    muted = api.alerts.change(alert, muted_until=datetime.now(UTC) + timedelta(days=1)).muted_until

    apply(FILE.replace("after: 2", "after: 3"), "--yes")

    [changed] = api.alerts.list()
    assert (changed.after, changed.muted_until, changed.id) == (3, muted, alert.id)


def test_a_file_without_schedules_leaves_them_alone(applied, apply, api):
    apply("endpoints: {}", "--yes", "--prune")

    assert there(api)["schedules"] == ["report"]
    assert there(api)["endpoints"] == []


@pytest.mark.parametrize(
    ("written", "value"),
    [("22:00", "22:00"), ("012", 12), ("0o17", 15), ("0x1F", 31), ("1_000", "1_000"), ("1e3", 1000.0), (".5", 0.5)],
)
def test_numbers_are_those_of_yaml_1_2(written, value, tmp_path):
    file = tmp_path / "file.yml"
    file.write_text(f"flows:\n  f: {{rate: {written}}}\n")
    assert declaration_files.read(str(file)).declared == {"flows": {"f": {"rate": value}}}


TEXTS = [
    "22:00",
    "012",
    "1e3",
    "-1e3",
    "+1",
    ".5",
    "-.5",
    "0o17",
    "1_000",
    "on",
    "~",
    "a\x85b",
    "a\u2028b",
    " a",
    "a\n",
    "<<",
    "=",
]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_is_written_is_read_as_the_same_text(text, as_json, tmp_path):
    file = tmp_path / "file"
    file.write_text(declaration_files.written({"flows": {"f": {"a": text}}}, as_json), encoding="utf-8")
    assert declaration_files.read(str(file)).declared == {"flows": {"f": {"a": text}}}


def test_the_escapes_of_json_are_read(tmp_path):
    file = tmp_path / "file.json"
    file.write_text('{"flows": {"f": {"a": "https:\\/\\/example.com"}}}')
    assert declaration_files.read(str(file)).declared == {"flows": {"f": {"a": "https://example.com"}}}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            b"flows:\n  f: {a: .nan}",
            "line 2: flows.f.a must be a text, a number, true, false, null, a list or an object",
        ),
        (b"flows:\n  f: {a: !!binary aGk=}", "got bytes"),
        (b"flows:\n  f: {a: !!set {x}}", "got set"),
        (b"flows:\n  f: &f {a: *f}", "must be nested at most 100 deep, got more"),
        (b"flows: {f: {a: " + b"[" * 5000 + b"]" * 5000 + b"}}", "must be nested at most 100 deep, got more"),
        (b"flows: {f: {a: \xff}}", "must be UTF-8, got another byte at 15"),
        (b'{"flows": {"f": {}, "f": {}}}', "'f' is there twice"),
        (
            b"flows:\n  f:\n    a0: &a0 [0]\n"
            + b"".join(b"    a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)),
            "must have at most 1,000,000 values in all, got more",
        ),
    ],
)
def test_what_json_does_not_know_is_a_mistake_of_the_file(text, mistake, tmp_path):
    file = tmp_path / "file.yml"
    file.write_bytes(text)
    with pytest.raises(Refusal) as refused:
        declaration_files.read(str(file))
    assert mistake in str(refused.value)


def test_of_endpoints_with_one_url_and_rules_with_one_name_prune_keeps_the_oldest(applied, apply, api):
    before = api.endpoints.list()[0].id, api.alerts.list()[0].id
    second = api.endpoints.create("https://example.com/events").id
    third = api.endpoints.create("https://example.com/events").id
    rule = api.alerts.create("reports", [{"webhook": "https://ops.example.com/hook"}]).id

    kept, pruned = apply(FILE, "--yes"), apply(FILE, "--yes", "--prune")

    assert (kept.out, pruned.code) == (EQUAL, 0)
    assert set(pruned.out.splitlines()[:-1]) == {
        f"- alert rule reports (duplicate {rule})",
        f"- endpoint https://example.com/events (duplicate {second})",
        f"- endpoint https://example.com/events (duplicate {third})",
    }
    assert ([each.id for each in api.endpoints.list()], [each.id for each in api.alerts.list()]) == (
        [before[0]],
        [before[1]],
    )


def test_prune_deletes_all_endpoints_of_a_url_that_is_not_in_the_file(applied, apply, api):
    api.endpoints.create("https://example.com/events")

    pruned = apply("endpoints: {}", "--yes", "--prune")

    assert "0 to create, 0 to change, 2 to delete" in pruned.out
    assert list(api.endpoints.list()) == []


def test_what_breaks_off_says_what_was_made_and_what_is_left(apply, api, monkeypatch):
    """Another run of another file has filled the account since this one looked."""
    looked = plan.plan

    def look_and_fill(*words):
        steps = looked(*words)
        for number in range(endpoints.MAX_ENDPOINTS):
            api.endpoints.create(f"https://example.org/{number}")
        return steps

    monkeypatch.setattr(plan, "plan", look_and_fill)
    run = apply(FILE, "--yes")

    assert run.code == failures.FAILED
    assert run.err.startswith(
        "Made, 3 of 7 changes:\n"
        "  calendar holidays created\n  group regions created\n  flow shop-42 created\n"
        "Left, from where it broke off:\n"
        "  create endpoint https://example.com/events\n"
        "  create channel slack\n  create schedule report\n  create alert rule reports\n"
        "booper: There may be at most 20 endpoints"
    )
    assert {kind for kind, names in there(api).items() if names} == {"calendars", "groups", "flows", "endpoints"}
