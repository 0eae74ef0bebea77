"""The Python client against a live server: jobs, schedules, lists, flow control, the rest of an account."""

from datetime import UTC, datetime, timedelta

import pytest

from booper_client import ApiError, Client, ConflictError, InvalidRequestError, NotFoundError, UnauthenticatedError

URL = "https://example.com/hook"


def test_a_job_is_ordered_sent_and_seen_with_its_attempts(client, receiver):
    job = client.jobs.create(f"{receiver.url}/hook", method="post", body={"hello": "wörld"}, name="greet")

    final = client.jobs.wait(job, every_seconds=0.02)
    attempts = client.jobs.attempts(job)

    assert (final.state, final.is_final, final.name) == ("completed", True, "greet")
    assert [(attempt.number, attempt.status_code) for attempt in attempts] == [(1, 200)]
    assert receiver.arrivals[0].body == '{"hello": "wörld"}'.encode()
    events = [entry.event for entry in client.logs.list(job_id=job.job_id)]
    assert sorted(events) == ["worker.http.request", "worker.http.response"]
    assert client.logs.get(client.logs.page(limit=1).items[0]).job_id == job.job_id


def test_times_may_be_datetimes_and_timedeltas_and_come_back_in_utc(client):
    at = datetime(2027, 1, 31, 9, tzinfo=UTC)

    job = client.jobs.create(URL, scheduled_at=at)
    soon = client.jobs.create(URL, schedule_in=timedelta(minutes=5), max_age=timedelta(hours=1))

    assert client.jobs.get(job.id).scheduled_at == at
    assert soon.args["schedule_in"] == 300
    assert timedelta(0) < soon.scheduled_at - datetime.now(UTC) < timedelta(minutes=5)


def test_a_job_is_changed_cancelled_retried_and_explained(client):
    job = client.jobs.create(URL, schedule_in=3600, name="a")

    changed = client.jobs.change(job, name=None)
    reasons = client.jobs.explain(job.job_id)
    cancelled = client.jobs.cancel(job)
    again = client.jobs.retry(job, schedule_in=60)

    assert changed.name is None
    assert [reason.code for reason in reasons] == ["not_due"]
    assert (cancelled.state, again.state) == ("cancelled", "scheduled")
    assert again.replay_of == job.id
    assert client.jobs.get(job, expand="replays").replays == [again.id]


def test_a_list_has_every_row_of_every_page_once(client):
    client.jobs.create_many([{"url": URL, "schedule_in": 3600 + n, "name": f"n{n}"} for n in range(230)])
    client.jobs.create(URL, schedule_in=9999, labels=["other"])

    rows = list(client.jobs.list(state="scheduled"))
    page = client.jobs.page(limit=7, state="scheduled", order_by="scheduled_at,asc")

    assert len({row.id for row in rows}) == len(rows) == 231
    assert [row.name for row in page] == [f"n{n}" for n in range(7)]
    assert page.next_cursor is not None
    assert [row.args["labels"] for row in client.jobs.list(label="other")] == [["other"]]


def test_a_batch_answers_with_a_job_or_an_error_for_each(client):
    first, second = client.jobs.create_many([{"url": URL, "schedule_in": 60}, {"url": "gopher://x"}])

    assert first.state == "scheduled"
    assert isinstance(second, ApiError)
    assert list(second.errors) == ["url"]


def test_jobs_of_a_filter_are_counted_and_cancelled(client):
    for label in ("a", "a", "b"):
        client.jobs.create(URL, schedule_in=3600, labels=[label])

    counted = client.jobs.count("cancel", label="a")
    operation = client.jobs.cancel_all(label="a")

    assert (counted.matches, counted.more) == (2, False)
    assert client.operations.get(operation).action == "cancel"
    assert [each.id for each in client.operations.list()] == [operation.id]


def test_a_schedule_lives_from_put_to_delete(client):
    schedule = client.schedules.put("digest", url=URL, cron="0 9 * * 1-5", timezone="Europe/Berlin")
    same = client.schedules.put("digest", url=URL, cron="0 9 * * 1-5", timezone="Europe/Berlin")
    changed = client.schedules.change("digest", name="Digest")

    assert schedule.id == same.id == changed.id
    assert changed.name == "Digest"
    assert client.schedules.disable(schedule).enabled is False
    assert client.schedules.enable(schedule.id).enabled is True
    assert client.schedules.get("digest", expand="health").health.state == "enabled"
    assert [each.id for each in client.schedules.list()] == [schedule.id]
    assert list(client.schedules.runs("digest")) == []
    assert client.schedules.run("digest").schedule_id == schedule.id
    client.schedules.delete("digest")
    with pytest.raises(NotFoundError):
        client.schedules.get("digest")


def test_a_schedule_is_made_without_a_key_and_previewed(client):
    schedule = client.schedules.create(URL, repeat_every=[1, "hour"])
    preview = client.schedules.preview(
        cron="30 2 * * *", timezone="America/New_York", after="2026-03-08T00:00:00-05:00", count=2
    )
    interval = client.schedules.preview(repeat_every=[5, "minutes"], count=1)

    assert schedule.frequency == {"repeat_every": [1, "hour"]}
    assert preview.instants[0] == datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert len(interval.instants) == 1


def test_what_put_would_do_is_said_and_not_done(client):
    client.schedules.put("a", url=URL, cron="@daily")
    client.schedules.put("b", url=URL, cron="@daily")

    verdicts = client.schedules.check(
        [
            {"key": "a", "url": URL, "cron": "0 0 * * *"},
            {"key": "b", "url": URL, "cron": "@hourly"},
            {"key": "c", "url": URL, "repeat_every": timedelta(minutes=5)},
            {"key": "d", "url": URL},
        ]
    )

    assert [verdict.change for verdict in verdicts[:3]] == ["none", "change", "create"]
    assert list(verdicts[3].errors) == ["repeat_every"]
    assert [schedule.args["cron"] for schedule in client.schedules.list()] == ["@daily", "@daily"]


def test_schedules_of_several_pages_are_listed_once_each(client):
    keys = [client.schedules.put(f"k{n}", url=URL, cron="@daily").id for n in range(101)]

    assert [schedule.id for schedule in client.schedules.list()] == keys


def test_flows_lanes_and_hosts_are_read_limited_paused_and_resumed(client):
    client.jobs.create(URL, schedule_in=60, flow={"key": "f", "rate": 1, "per": "1m"}, lane="l")

    assert client.flows.get("f").per_seconds == 60
    assert client.flows.put("f", rate=5, per=timedelta(seconds=10)).pinned is True
    assert client.flows.pause("f", reason="why").paused.reason == "why"
    assert client.flows.resume("f").paused is None
    assert client.flows.reset("f").key == "f"
    assert client.flows.unpin("f").pinned is False
    assert [flow.key for flow in client.flows.list()] == ["f"]
    assert client.lanes.change("l", on_failure="stop").on_failure == "stop"
    assert client.hosts.pause("example.com").paused is not None
    assert [host.host for host in client.hosts.list()] == ["example.com"]
    assert client.hosts.resume("example.com").paused is None
    assert client.pause(reason="night").paused.reason == "night"
    assert client.resume().paused is None


def test_failures_are_listed_and_grouped(client, receiver):
    job = client.jobs.create(f"{receiver.url}/status/500", max_attempts=1)
    client.jobs.wait(job, every_seconds=0.02)

    assert [failed.last_attempt.status_code for failed in client.failures.list()] == [500]
    assert [(group.reason, group.jobs) for group in client.failures.groups()] == [("status_500", 1)]


def test_endpoints_signing_keys_groups_and_figures(client):
    endpoint = client.endpoints.create(URL, types=["job.finished"])
    key = client.signing_keys.create()
    client.groups.put("regions", [{"name": "eu", "url": URL}, {"name": "us", "url": URL}])

    assert client.endpoints.change(endpoint, enabled=False).enabled is False
    assert client.endpoints.get(endpoint).types == ["job.finished"]
    assert [each.id for each in client.endpoints.list()] == [endpoint.id]
    client.endpoints.delete(endpoint)
    assert client.endpoints.list() == []
    assert key.secret.startswith("whsec_")
    assert key.secret not in repr(key)
    assert client.signing_keys.retire(key.id, after=timedelta(days=1)).ends_at is not None
    assert [each.live for each in client.signing_keys.list()] == [True]
    assert [target.name for target in client.groups.get("regions").targets] == ["eu", "us"]
    assert [group.size for group in client.groups.list()] == [2]
    assert len(client.jobs.create_for_group("regions", schedule_in=60)) == 2
    client.groups.delete("regions")
    assert client.ping() is True
    assert client.stats().jobs.waiting == 2


def test_what_the_server_refuses_is_an_error_with_its_fields(client):
    with pytest.raises(InvalidRequestError) as refused:
        client.jobs.create(URL, timeout=0, shedule_in=5)

    assert refused.value.status == 422
    assert refused.value.errors["shedule_in"] == ["unknown field, did you mean `schedule_in`?"]
    assert "\ntimeout: must be" in str(refused.value)
    assert refused.value.request_id


def test_errors_have_a_class_for_each_kind(client, server, kind):
    client.signing_keys.create()
    client.signing_keys.create()

    with pytest.raises(ConflictError):
        client.signing_keys.create()
    with pytest.raises(NotFoundError):
        client.jobs.get("41d7f28b-dfbe-44b8-b716-b91898bb0ce0")
    with pytest.raises(UnauthenticatedError), Client(server.url, "sk_wrong") as stranger:
        stranger.stats()


def test_an_id_that_changes_the_address_stays_a_part_of_it(client):
    for identity in ("../stats", "a/b", "?x=1", "%2e%2e"):
        with pytest.raises(NotFoundError):
            client.jobs.get(identity)


@pytest.mark.parametrize("identity", ["", ".", ".."])
def test_an_id_that_can_not_stand_in_an_address_is_refused(client, identity):
    with pytest.raises(ValueError, match="must be a text that can stand in an address"):
        client.jobs.get(identity)


@pytest.mark.parametrize(
    ("url", "key"), [("127.0.0.1:8000", "sk_x"), ("ftp://x", "sk_x"), ("http://", "sk_x"), ("http://x", "sk\nx")]
)
def test_a_url_or_a_key_that_can_not_be_is_refused(url, key):
    with pytest.raises(ValueError, match="must be"):
        Client(url, key)


def test_url_and_key_may_come_from_the_environment(server, key, monkeypatch):
    monkeypatch.setenv("BOOPER_URL", server.url)
    monkeypatch.setenv("BOOPER_API_KEY", key)

    with Client() as client:
        assert client.stats().jobs.waiting == 0


def test_the_key_is_in_no_representation(server, key):
    with Client(server.url, key) as client:
        assert key not in repr(vars(client._sender._transport))
