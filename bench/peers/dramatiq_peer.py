"""Runs a plain Dramatiq actor: one message a job, one request, one statement that records it. `dramatiq_peer.py COUNT`
enqueues."""

import json
import os
import sys
import threading
from datetime import UTC, datetime

import dramatiq
import psycopg
import requests
from dramatiq.brokers.rabbitmq import RabbitmqBroker

broker = RabbitmqBroker(url=os.environ["PEER_BROKER_URL"], confirm_delivery=True)
dramatiq.set_broker(broker)
local = threading.local()
RECORD = """WITH attempted AS (INSERT INTO attempt VALUES (%(number)s, %(started)s, %(finished)s, %(status)s))
INSERT INTO log_entry VALUES (gen_random_uuid(), %(number)s, 'request', %(request)s, %(started)s),
    (gen_random_uuid(), %(number)s, 'response', %(response)s, %(finished)s)"""


def own() -> threading.local:
    """The session and connection of this thread."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.database = psycopg.connect(os.environ["PEER_DATABASE_URL"], autocommit=True)
    return local


@dramatiq.actor(actor_name="deliver", queue_name=os.environ["PEER_QUEUE"])
def deliver(number: int) -> None:
    mine, body, started = own(), {"nonce": f"bench-{number}"}, datetime.now(UTC)
    answer = mine.session.post(os.environ["PEER_URL"], json=body, timeout=30)
    bodies = {"request": json.dumps(body), "response": json.dumps({"body": answer.text})}
    at = {"started": started, "finished": datetime.now(UTC)}
    mine.database.execute(RECORD, {"number": number, "status": answer.status_code, **at, **bodies})


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        deliver.send(number)
