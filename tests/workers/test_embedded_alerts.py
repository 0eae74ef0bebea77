"""Alerts on their whole way: from a job that fails to the receivers' hands, over real sockets."""

import json

from models.alerts.alert_tables import Incident, Notification
from models.database.sql import execute
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from models.rules.signatures import headers_for
from models.rules.times import format_instant
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule
from models.webhooks import signing_keys
from runtime import settings
from tests.support.alerts import make_alert
from tests.support.mail_servers import Mailbox, MailServer
from tests.support.schedule_rows import HOURLY
from tests.support.scripted_receivers import OK, ScriptedReceiver, answering
from tests.support.waiting import wait_until
from workers.embedded import Embedded

KEY = "0123456789abcdef0123456789abcdef"


def schedule_that_fails(account, receiver):
    now = clock.now()
    job = NewJob(
        account.id, json.dumps({"url": f"{receiver.url}/status/500"}), None, None, now, name="backup", max_attempts=1
    )
    schedule_changes.create(NewSchedule(job, HOURLY, now), now, 100)


def arrival_at(receiver, path):
    wait_until(lambda: [each for each in receiver.arrivals if each.path == path])
    [arrival] = [each for each in receiver.arrivals if each.path == path]
    return arrival


def test_a_failure_reaches_a_signed_webhook_and_people(account, embedded, receiver):
    secret = signing_keys.create(account.id, None, clock.now()).secret
    make_alert(account, to=[("webhook", f"{receiver.url}/hook"), ("slack", f"{receiver.url}/services/s3cret")])
    schedule_that_fails(account, receiver)

    hook, slack = arrival_at(receiver, "/hook"), arrival_at(receiver, "/services/s3cret")

    message = json.loads(hook.body)
    assert (message["type"], message["incident"]["title"]) == ("incident.opened", "backup")
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name.lower(): value for name, value in hook.headers.items()}
    signed = headers_for([secret], headers["webhook-id"], int(headers["webhook-timestamp"]), hook.body)
    assert {name: headers[name] for name in names} == signed
    assert json.loads(slack.body)["text"].startswith("backup fails\nanswered 500 Internal Server Error (status_500)")
    wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "completed").count() == 2)
    assert Notification.select().count() == 2
    assert not [row for row in LogEntry.select() if "s3cret" in row.payload]


def test_the_key_of_pagerduty_is_in_the_message_and_nowhere_else(account, embedded, receiver, monkeypatch):
    monkeypatch.setattr("models.alerts.ways.PAGERDUTY_URL", f"{receiver.url}/v2/enqueue")
    make_alert(account, to=[("pagerduty", KEY)])
    schedule_that_fails(account, receiver)

    event = json.loads(arrival_at(receiver, "/v2/enqueue").body)

    assert (event["routing_key"], event["event_action"]) == (KEY, "trigger")
    wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "completed").count() == 1)
    job = Job.get(Job.kind == "alert")
    assert KEY not in job.args + bytes(job.body).decode()
    assert not [row for row in LogEntry.select() if KEY in row.payload]


def test_a_message_whose_receiver_is_down_is_tried_again(account, embedded, receiver):
    make_alert(account, to=[("webhook", f"{receiver.url}/status/503")])
    schedule_that_fails(account, receiver)
    wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "retryable").count() == 1)
    assert json.loads(bytes(Job.get(Job.kind == "alert").body))["incident"]["opened_at"] is not None


def test_a_receiver_that_was_down_gets_the_message_later_with_the_times_of_the_incident(account, embedded, receiver):
    hook = ScriptedReceiver(answering(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", OK))
    try:
        make_alert(account, to=[("webhook", hook.url("/hook"))])
        schedule_that_fails(account, receiver)
        wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "retryable").count() == 1)
        opened_at = format_instant(Incident.get().opened_at)
        execute("UPDATE job SET scheduled_at = %s WHERE kind = 'alert' AND state = 'retryable'", (clock.now(),))
        wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "completed").count() == 1)
    finally:
        hook.close()
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in hook.requests]
    assert [body["incident"]["opened_at"] for body in bodies] == [opened_at, opened_at]


def test_a_failure_reaches_people_by_mail(account, db, receiver):
    server = MailServer(Mailbox()).start()
    environ = {"BOOPER_SMTP_URL": f"smtp+plain://127.0.0.1:{server.port}", "BOOPER_SMTP_FROM": "booper@example.com"}
    embedded = Embedded(settings.load({"BOOPER_SENDER_SLOTS": "8", "BOOPER_SLOT_SHARE": "1", **environ}))
    embedded.start()
    try:
        make_alert(account, to=[("email", "ops@example.com")])
        schedule_that_fails(account, receiver)
        wait_until(lambda: Job.select().where(Job.kind == "alert", Job.state == "completed").count() == 1)
    finally:
        embedded.stop()
        server.stop()

    [mail] = server.mailbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("booper@example.com", "ops@example.com", "backup fails")
    text, html = mail.iter_parts()
    assert text.get_content().splitlines()[:3] == [
        "backup fails",
        "",
        "answered 500 Internal Server Error (status_500)",
    ]
    assert "<strong>backup fails</strong>" in html.get_content()
    assert Job.get(Job.kind == "alert").uuid in mail["Message-ID"]
