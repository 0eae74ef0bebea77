"""A secret of each kind, put wherever one may be put, and then looked for wherever none may be found (A4)."""

import contextlib

import pytest

from tests.support.journeys.client import Client, Order, now_us
from tests.support.journeys.journey import SECOND
from tests.support.journeys.product import status_of
from tests.support.waiting import wait_until

HEADER, HIDDEN, BODY = "canaryAuth0rization", "canaryH1dden", "canaryB0dy"
CHANNEL, WRONG_KEY, URL_USER = "canaryChann3l", "sk_canaryWr0ngKey", "canaryUs3r"
OPEN = "SELECT count(*) FROM job WHERE state NOT IN ('completed', 'discarded', 'cancelled')"


def order_with_secrets(journey, url, **fields):
    """A job that carries secrets; its answer may show what its owner sent, and nobody else's may."""
    request = {
        "method": "post",
        "url": url,
        "headers": {"Authorization": f"Bearer {HEADER}", "X-Mine": HIDDEN, "Cookie": f"id={HEADER}"},
        "body": {"password": BODY},
        "redact": ["x-mine", "body"],
        "max_attempts": 1,
        "callback_url": journey.receiver.url("/notified/callback"),
        "webhook_url": journey.receiver.url("/notified/events"),
    }
    return journey.client.ask("POST", "/api/jobs", request | fields)


def texts_of_errors(journey):
    """What the API answers to requests that are wrong and hold a secret."""
    ask, stranger = journey.client.ask, Client(journey.product.port, WRONG_KEY)
    wrong = [
        order_with_secrets(journey, f"https://{URL_USER}:{URL_USER}@a.example/"),
        order_with_secrets(journey, "http://127.0.0.1/", headers={"Authorization": f"{HEADER}\n"}),
        order_with_secrets(journey, "http://127.0.0.1/", webhook_url=f"https://{URL_USER}@a.example/"),
        ask("PUT", "/api/channels/discord", {"url": f"ftp://a.example/{CHANNEL}"}),
        ask("POST", "/api/signing-keys", {"secret": f"whsec_{CHANNEL}"}),
        stranger.ask("GET", "/api/jobs"),
    ]
    assert {status for status, _ in wrong} == {401, 422}
    return [str(answer) for _, answer in wrong]


def place_and_perform(journey):
    """Every secret in its place, every job to its end; the secrets that were made."""
    status, made = journey.client.ask("POST", "/api/signing-keys", {})
    assert status == 201
    channel = {"url": journey.receiver.url(f"/notified/channel/{CHANNEL}")}
    journey.client.ask("PUT", "/api/channels/discord", channel)
    journey.client.ask("PUT", "/api/channels/slack", {"url": f"http://127.0.0.1:9/{CHANNEL}"})
    for name in ("discord", "slack"):
        status, _ = journey.client.ask("POST", f"/api/channels/{name}", {"author": "a", "content": "b"})
        assert status == 200
    for url in (journey.receiver.url("/ok"), "http://127.0.0.1:9/", "http://10.0.0.1/"):
        assert order_with_secrets(journey, url)[0] == 201
    wait_until(lambda: hastened(journey.product) == [(0,)], 60, "every job to be final", pause_seconds=0.2)
    return made["data"]["secret"].removeprefix("whsec_")


def hastened(product):
    """How many jobs are open; those that wait for a retry have their last one now."""
    product.sql("UPDATE job SET max_attempts = attempt + 1, scheduled_at = attempted_at WHERE state = 'retryable'")
    return product.sql(OPEN)


def is_up(product):
    with contextlib.suppress(OSError):
        return status_of(product.port, "/healthz") == 200
    return False


def messages_of(journey):
    """What the queue holds while nobody takes it: a job is ordered, a ticker alone hands it over."""
    journey.product.stop()
    journey.product.processes.clear()
    journey.product.launch("api", "ticker")
    wait_until(lambda: is_up(journey.product), 60, "an API that answers")  # without a worker it is not ready
    assert order_with_secrets(journey, journey.receiver.url("/ok"))[0] == 201
    created = journey.client.create(Order("n", now_us() + 5 * SECOND))
    assert created.outcome == "ok"
    queues = wait_until(lambda: list(journey.product.broker.queues(journey.product.name)), 60, "queues")
    bodies = []
    with journey.product.broker.channel() as channel:

        def took():
            for name in queues:
                _, _, body = channel.basic_get(name, auto_ack=True)
                bodies.extend([body.decode()] if body else [])
            return len(bodies) >= 2

        wait_until(took, 60, "two messages", pause_seconds=0.1)
    return bodies


@pytest.mark.parametrize("production", [{"BOOPER_LOG_LEVEL": "DEBUG"}], indirect=True)
def test_no_secret_is_found_where_none_may_be(production):
    signing = place_and_perform(production)
    get = production.client.ask
    kinds = ("callback", "event", "channel")
    shown = [str(get("GET", f"/api/jobs?kind={kind}&limit=100")) for kind in kinds]
    shown += [str(get("GET", path)) for path in ("/api/channels", "/api/signing-keys", "/api/endpoints")]
    shown += [str(get("GET", f"/api/logs?limit=100&offset={offset}")) for offset in (0, 100)]
    rows = [str(row) for row in production.product.sql("SELECT * FROM log_entry")]
    rows += [str(row) for row in production.product.sql("SELECT * FROM job WHERE kind <> 'request'")]
    rows += [str(row) for row in production.product.sql("SELECT * FROM attempt")]
    keys = [str(row) for row in production.product.sql("SELECT * FROM api_key")]
    errors = texts_of_errors(production)
    notified = [each.body for each in production.receiver.notifications()]
    queued = messages_of(production)
    logs = [path.read_text() for path in production.product.folder.glob("*.log")]
    assert len(notified) >= 3
    assert any("job.attempted" in text for text in logs)

    places = {"answers": shown, "rows": rows, "errors": errors, "notified": notified, "queued": queued, "logs": logs}
    everywhere = [HEADER, HIDDEN, CHANNEL, URL_USER, WRONG_KEY, signing, production.product.key]
    leaks = [
        (place, secret)
        for place, texts in (places | {"keys": keys}).items()
        for secret in everywhere
        if any(secret in text for text in texts)
    ]
    assert leaks == []
    hidden_from = {name: texts for name, texts in places.items() if name in ("errors", "queued", "logs")}
    assert [place for place, texts in hidden_from.items() if any(BODY in text for text in texts)] == []
