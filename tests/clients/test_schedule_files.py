"""`booper schedules apply` and `export`: a plan like a diff, nothing twice, nothing after a mistake."""

import json
import subprocess
import time

import pytest
import yaml

from booper_client import Client, NotFoundError
from booper_client.cli import failures
from tests.support.command_line import START, in_a_pipe, on_a_terminal
from tests.support.live_server import LOSE, LossyFront
from tests.support.waiting import wait_until

URL = "https://example.com/hook"
FILE = f"""
schedules:
  a:
    url: {URL}
    method: post
    cron: "0 9 * * 1-5"
    timezone: Europe/Berlin
    body: {{on: yes, n: 1.0}}
    exclude: [2026-12-24]
  b: {{url: {URL}, repeat_every: [5, minutes], headers: {{Authorization: s3cret}}}}
"""


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


@pytest.fixture
def write(tmp_path):
    """A function from a text to the path of a file with it."""

    def make(text, name="schedules.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return make


def keys(api):
    return sorted(each.key for each in api.schedules.list(expand="key") if each.key)


def test_a_file_is_applied_and_the_second_time_nothing_changes(booper, api, write):
    file = write(FILE)

    first = booper("schedules", "apply", file, "--yes")
    before = [each.raw for each in api.schedules.list()]
    second = booper("schedules", "apply", file)

    assert (first.code, second.code) == (0, 0), first.err
    assert first.out.endswith("2 to create, 0 to change, 0 to delete, 0 unchanged.\n")
    assert second.out == "0 to create, 0 to change, 0 to delete, 2 unchanged.\n"
    assert [each.raw for each in api.schedules.list()] == before
    assert api.schedules.get("a").args["exclude"] == ["2026-12-24"]
    assert api.schedules.get("a").args["body"] == {"on": "yes", "n": 1.0}


def test_the_plan_is_a_diff_that_hides_secrets(booper, api, write):
    booper("schedules", "apply", write(FILE), "--yes")
    changed = FILE.replace("0 9 * * 1-5", "30 8 * * *").replace("s3cret", "other").replace("  b:", "  c:")

    shown = booper("schedules", "apply", write(changed), "--dry-run", "--prune")

    assert shown.code == failures.WOULD_CHANGE
    assert shown.out.splitlines()[:3] == ["~ schedule a", '    - cron: "0 9 * * 1-5"', '    + cron: "30 8 * * *"']
    assert "+ schedule c\n" in shown.out
    assert "- schedule b\n" in shown.out
    assert '"Authorization": "…"' in shown.out
    assert "s3cret" not in shown.out
    assert shown.out.endswith("1 to create, 1 to change, 1 to delete, 0 unchanged.\n")
    assert keys(api) == ["a", "b"]


def test_another_spelling_is_no_change(booper, write):
    booper("schedules", "apply", write(FILE), "--yes")
    spelled = FILE.replace("0 9 * * 1-5", "0 9 * * MON-FRI").replace("[5, minutes]", "300")

    assert booper("schedules", "apply", write(spelled), "--dry-run").code == 0


def test_only_prune_deletes_and_only_what_has_a_key(booper, api, write):
    booper("schedules", "apply", write(FILE), "--yes")
    api.schedules.create(URL, cron="@daily")
    smaller = write("schedules:\n  a: {url: " + URL + ", cron: '@daily'}\n")

    assert booper("schedules", "apply", smaller, "--yes").code == 0
    assert keys(api) == ["a", "b"]
    assert booper("schedules", "apply", smaller, "--yes", "--prune").code == 0
    assert keys(api) == ["a"]
    assert len(list(api.schedules.list())) == 2


def test_a_file_with_a_mistake_changes_nothing_at_all(booper, api, write):
    wrong = (
        FILE + f"  c: {{url: {URL}, cron: '99 * * * *'}}\n  d: {{url: {URL}}}\n  e: {{group: none, cron: '@daily'}}\n"
    )

    run = booper("schedules", "apply", write(wrong), "--yes")

    assert (run.code, run.out) == (failures.FAILED, "")
    assert "nothing was changed:\n  line 11: schedules: c: cron: must have" in run.err
    assert "\n  line 12: schedules: d: repeat_every: must be given" in run.err
    assert "\n  line 13: schedules: e: group: there is no group 'none'\n" in run.err
    assert keys(api) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schedules:\n  a: {}\n  a: {}\n", "line 3: 'a' is there twice"),
        ("schedules:\n  a: {url: x, url: y}\n", "'url' is there twice"),
        ("schedules: [1]", "must hold an object `schedules`"),
        ("- 1", "must hold an object with `schedules`"),
        ("", "must hold an object with `schedules`"),
        ("schedules: {}\nlanes: {}", "got lanes too"),
        ("flows: [1]", "must hold an object `flows`"),
        ("flows: {a: 5}", "'a' must be the name of one of the flows"),
        ("schedules: {a: 5}", "'a' must be the key of a schedule"),
        ("schedules: {5: {}}", "5 must be the key of a schedule"),
        ("a: [", "neither YAML nor JSON"),
        ("!!python/object/apply:os.system [id]", "neither YAML nor JSON"),
    ],
)
def test_a_file_that_is_none_is_refused(booper, write, text, message):
    run = booper("schedules", "apply", write(text), "--yes")

    assert run.code == failures.WRONG_USE
    assert message in run.err


def test_without_a_terminal_changes_need_yes(booper, api, write):
    run = booper("schedules", "apply", write(FILE))

    assert run.code == failures.WRONG_USE
    assert "add --yes" in run.err
    assert keys(api) == []


def test_a_terminal_is_asked(configured, api, write):
    refused = on_a_terminal(["schedules", "apply", write(FILE)], configured, "n\n")
    assert (refused.code, keys(api)) == (130, [])

    accepted = on_a_terminal(["schedules", "apply", write(FILE)], configured, "y\n")
    assert (accepted.code, keys(api)) == (0, ["a", "b"])
    assert "\x1b[32m" in accepted.out


def test_what_is_exported_changes_nothing_when_it_is_applied(booper, api, write, configured):
    booper("schedules", "apply", write(FILE), "--yes")
    api.schedules.put(
        "c", url=URL, cron="@daily", description="two\nlines", name="yes", body="2026-12-24", labels=["1"]
    )
    api.schedules.create(URL, cron="@daily")

    exported = in_a_pipe(["schedules", "export"], configured)
    as_json = booper("schedules", "export", "--json")

    assert exported.err == "1 schedules have no key and are left out.\n"
    assert yaml.safe_load(exported.out)["schedules"].keys() == {"a", "b", "c"}
    assert json.loads(as_json.out)["schedules"]["c"]["description"] == "two\nlines"
    for text in (exported.out, as_json.out):
        assert booper("schedules", "apply", write(text), "--dry-run", "--prune").code == 0
    assert in_a_pipe(["schedules", "apply", "-", "--dry-run"], configured, exported.out).code == 0


def test_five_hundred_schedules_are_compared_quickly_and_a_cut_run_ends_the_same(
    server, key, configured, write, booper
):
    many = {f"k{n:03}": {"url": f"{URL}/{n}", "cron": f"{n % 60} * * * *"} for n in range(500)}
    file = write(json.dumps({"schedules": many}), "schedules.json")
    with LossyFront(server.port) as front:
        front.script = [None] * 120 + [(400, {})]  # the run breaks off in the middle
        cut = in_a_pipe(["schedules", "apply", file, "--yes"], configured | {"BOOPER_URL": front.url})
    with Client(server.url, key) as api:
        assert cut.code == failures.FAILED
        assert 0 < len(keys(api)) < 500

        again = booper("schedules", "apply", file, "--yes")
        began = time.monotonic()
        equal = booper("schedules", "apply", file, "--dry-run")
        print(f"the comparison of 500 schedules took {time.monotonic() - began:.2f} s")

        assert (again.code, equal.code) == (0, 0)
        assert equal.out == "0 to create, 0 to change, 0 to delete, 500 unchanged.\n"
        assert keys(api) == sorted(many)


def test_a_run_that_is_killed_in_the_middle_ends_the_same_when_it_is_repeated(
    server, key, configured, write, booper, api
):
    many = {f"k{n:03}": {"url": f"{URL}/{n}", "cron": f"{n % 60} * * * *"} for n in range(100)}
    file = write(json.dumps({"schedules": many}), "schedules.json")
    killed = subprocess.Popen([*START, "schedules", "apply", file, "--yes"], env=configured)
    wait_until(lambda: len(keys(api)) > 10, what="the first schedules")
    killed.kill()
    killed.wait(60)
    made = {each.key: each.id for each in api.schedules.list(expand="key")}

    again = booper("schedules", "apply", file, "--yes")
    equal = booper("schedules", "apply", file, "--dry-run")

    assert 10 < len(made) < 100
    assert (again.code, equal.code) == (0, 0), again.err
    there = {each.key: each.id for each in api.schedules.list(expand="key")}
    assert sorted(there) == sorted(many)
    assert made.items() <= there.items()


def test_a_lost_answer_makes_nothing_twice(server, key, configured, write):
    with LossyFront(server.port, None, None, LOSE, LOSE) as front:
        run = in_a_pipe(["schedules", "apply", write(FILE), "--yes"], configured | {"BOOPER_URL": front.url})

    with Client(server.url, key) as api:
        assert (run.code, keys(api)) == (0, ["a", "b"])
        with pytest.raises(NotFoundError):
            api.schedules.get("c")
