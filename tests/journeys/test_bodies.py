"""Bodies as large as the largest setting allows, through the real servers, the database and the transport."""

import base64
import hashlib
import json
import random

import pytest

MEBIBYTE = 1024 * 1024
LARGEST = 16 * MEBIBYTE
SETTINGS = {"BOOPER_MAX_BODY_BYTES": str(LARGEST), "BOOPER_MAX_BATCH_BYTES": str(2 * LARGEST)}
BOUNDARY = "multipart/form-data; boundary=b"
LIMIT_SECONDS = 60


def order(journey, nonce, body):
    """An order of exactly these bytes."""
    headers = {"X-Nonce": nonce, "Content-Type": BOUNDARY}
    in_base64 = base64.b64encode(body).decode()
    return {"url": journey.receiver.url("/ok"), "method": "post", "headers": headers, "body_base64": in_base64}


def largest_body(journey):
    """Random bytes, so many that the order has nearly the largest size."""
    room = LARGEST - len(json.dumps(order(journey, "alone", b"")))
    return random.Random(17).randbytes(room // 4 * 3)


def check_largest(journey):
    body = largest_body(journey)

    alone = journey.client.ask("POST", "/api/jobs", order(journey, "alone", body))
    batch = journey.client.ask("POST", "/api/jobs/batch", {"jobs": [order(journey, "batch", body)]})
    refused = journey.client.ask("POST", "/api/jobs", order(journey, "more", body + b"more"))
    journey.await_arrivals(2, LIMIT_SECONDS)

    assert (alone[0], batch[0], refused[0]) == (201, 201, 413)
    arrivals, _ = journey.receiver.stopped_ledger()
    wanted = hashlib.sha256(body).hexdigest()
    assert sorted((arrival.nonce, arrival.sha256) for arrival in arrivals) == [("alone", wanted), ("batch", wanted)]


@pytest.mark.parametrize("embedded", [SETTINGS], indirect=True)
def test_the_largest_order_arrives_byte_for_byte_in_embedded_mode(embedded):
    check_largest(embedded)


@pytest.mark.parametrize("production", [SETTINGS], indirect=True)
def test_the_largest_order_arrives_byte_for_byte_in_production_mode(production):
    check_largest(production)
