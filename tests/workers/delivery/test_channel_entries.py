"""What the log tells of a message to a channel, whose URL is a secret."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from models.webhooks import channels
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.recorder import record
from workers.delivery.render import render_request
from workers.transport.outcome import Answered, Timings

URL = "https://hooks.example/services/s3cret?key=s3cret"


def response_to(account, url, headers, body):
    """What the log tells of this answer to a message."""
    channels.configure(account.id, "slack", url, clock.now())
    channels.forward(account.id, "slack", "alex", "hi", 0, clock.now())
    [claim] = lifecycle.claim([Job.get().id], clock.now(), clock.SECOND)
    remembered = ConfigCache()
    remembered.refresh([account.id])
    request = render_request(claim, remembered.of(account.id))
    record([Result(claim, request, Answered(302, headers, body, False, Timings()), clock.now())])
    return json.loads(LogEntry.get(LogEntry.event == "worker.http.response").payload)


@pytest.mark.parametrize(
    "place", [URL, "https://eu.hooks.example/services/s3cret?key=s3cret", "https://hooks.example/services/s3cret/"]
)
def test_an_answer_that_repeats_the_url_does_not_show_it(account, place):
    shown = response_to(account, URL, [("Location", place)], f"moved to {place}".encode())
    assert "s3cret" not in json.dumps(shown)
    assert shown["headers"]["Location"].startswith(place.partition("/services")[0])
    assert shown["body"].startswith("moved to https://")


@pytest.mark.parametrize("path", ["/services/s3cret", "/services/s3cret/", "/services/s3cret/?key=s3cret"])
@pytest.mark.parametrize("repeated", ["/services/s3cret", "/services/s3cret/", "/services/s3cret/?key=s3cret"])
def test_an_answer_that_repeats_the_path_with_or_without_its_last_slash_does_not_show_it(account, path, repeated):
    shown = response_to(account, f"https://hooks.example{path}", [("Location", repeated)], repeated.encode())
    assert "services" not in json.dumps(shown)


@pytest.mark.parametrize(
    "repeated", ["key=s3cret", "?key=s3cret", r"\/services\/s3cret", r"\/services\/s3cret?key=s3cret"]
)
def test_an_answer_that_repeats_the_query_alone_or_the_path_as_json_does_not_show_it(account, repeated):
    shown = response_to(account, URL, [("X-Sent", repeated)], f'{{"sent": "{repeated}"}}'.encode())
    assert "s3cret" not in json.dumps(shown)


def test_an_answer_that_does_not_is_shown_as_it_came(account):
    shown = response_to(account, "https://hooks.example/", [("Location", "https://a.example/b")], b"no / here")
    assert (shown["headers"], shown["body"]) == ({"Location": "https://a.example/b"}, "no / here")
