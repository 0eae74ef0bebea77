"""`booper import crontab`: what curl and wget ask becomes schedules, and the rest is named."""

import pytest
import yaml

from booper_client import Client
from booper_client.cli.files import crontab

URL = "https://example.com/a"


def fields_of(command, **options):
    made = crontab.read(f"0 9 * * 1-5 {command}\n", **options)
    assert made.left_out == []
    [fields] = made.schedules.values()
    return {name: value for name, value in fields.items() if name != "cron"}


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (f"curl {URL}", {"url": URL, "method": "get"}),
        (f"/usr/bin/curl -fsS -o /dev/null '{URL}?a=1&b=2'", {"url": f"{URL}?a=1&b=2", "method": "get"}),
        (f"curl -s {URL} > /dev/null 2>&1", {"url": URL, "method": "get"}),
        (f"curl -s {URL} >/dev/null", {"url": URL, "method": "get"}),
        (f"curl -X DELETE {URL}", {"url": URL, "method": "delete"}),
        (f"curl -I {URL}", {"url": URL, "method": "head"}),
        (f"curl -H 'X-A: b: c' {URL}", {"url": URL, "method": "get", "headers": {"X-A": "b: c"}}),
        (
            f"curl -d a=1 -d b=2 {URL}",
            {
                "url": URL,
                "method": "post",
                "body": "a=1&b=2",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
        ),
        (
            f"curl --request=PUT --header='content-type: application/json' --data='{{\"a\": 1}}' {URL}",
            {"url": URL, "method": "put", "body": '{"a": 1}', "headers": {"content-type": "application/json"}},
        ),
        (f"curl -u a:b {URL}", {"url": URL, "method": "get", "headers": {"Authorization": "Basic YTpi"}}),
        (f"curl -m 10 {URL}", {"url": URL, "method": "get", "timeout": 10}),
        ("curl example.com/x", {"url": "http://example.com/x", "method": "get"}),
        (f"wget -q -O - {URL}", {"url": URL, "method": "get"}),
        (f"wget --quiet --output-document=/dev/null --post-data='a=1' {URL}", None),
        (f"wget --spider {URL}", {"url": URL, "method": "head"}),
        (f"curl {URL}?x=100\\%", {"url": f"{URL}?x=100%", "method": "get"}),
    ],
)
def test_a_request_of_curl_or_wget_is_carried_over(command, fields):
    made = fields_of(command)

    assert fields is None or made == fields


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 9 * * * /usr/local/bin/backup", "calls no address"),
        (f"0 9 * * * curl {URL} | mail root", "needs a shell"),
        (f"0 9 * * * cd /tmp && curl {URL}", "needs a shell"),
        (f"0 9 * * * curl {URL}?t=$(date)", "needs a shell"),
        (f"0 9 * * * curl {URL}/$HOME", "needs a shell"),
        (f"0 9 * * * curl {URL} > /var/log/a", "needs a shell"),
        (f"0 9 * * * curl -k {URL}", "-k has no counterpart"),
        (f"0 9 * * * curl -d @file {URL}", "the body is in the file file"),
        (f"0 9 * * * curl {URL} {URL}", "names several addresses"),
        ("0 9 * * * curl -s", "names no address"),
        (f"0 9 * * * curl {URL} -H", "-H has no value"),
        (f"0 9 * * * curl '{URL}", "a quote is not closed"),
        (f"0 9 * * * curl {URL}?a=%", "% gives the command an input"),
        (f"@reboot curl {URL}", "@reboot is no time"),
        ("0 9 * *", "no line of a crontab"),
        ("MAILTO=root", "MAILTO has no counterpart"),
    ],
)
def test_what_can_not_be_carried_over_is_named(line, reason):
    made = crontab.read(f"# comment\n\n{line}\n")

    assert made.schedules == {}
    assert made.left_out == [f"line 3: {reason}" + ("" if "MAILTO" in line else f": {line}")]


def test_time_zones_users_and_nicknames_are_read():
    text = f"CRON_TZ=Europe/Berlin\n@daily root curl {URL}\n*/5 * * * * root curl {URL}\n"

    made = crontab.read(text, has_users=True, timezone="Asia/Tokyo")

    assert made.schedules == {
        "example-com-a": {"url": URL, "method": "get", "cron": "@daily", "timezone": "Europe/Berlin"},
        "example-com-a-2": {"url": URL, "method": "get", "cron": "*/5 * * * *", "timezone": "Europe/Berlin"},
    }


def test_a_crontab_becomes_a_file_that_is_applied(booper, server, key, tmp_path):
    (tmp_path / "crontab").write_text(f"0 9 * * 1-5 curl -fsS {URL}\n5 4 * * * /usr/local/bin/backup\n")

    made = booper("import", "crontab", str(tmp_path / "crontab"), "--timezone", "Europe/Berlin")
    (tmp_path / "schedules.yaml").write_text(made.out)
    applied = booper("schedules", "apply", str(tmp_path / "schedules.yaml"), "--yes")

    assert (made.code, applied.code) == (0, 0)
    assert made.err == "not carried over: line 2: calls no address: 5 4 * * * /usr/local/bin/backup\n"
    assert list(yaml.safe_load(made.out)["schedules"]) == ["example-com-a"]
    with Client(server.url, key) as client:
        assert client.schedules.get("example-com-a").frequency["timezone"] == "Europe/Berlin"
