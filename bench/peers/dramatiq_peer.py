"""A plain Dramatiq actor: one message a job, one request, one row. `dramatiq_peer.py COUNT` orders."""

import os
import sys
import threading

import dramatiq
import psycopg
import requests
from dramatiq.brokers.rabbitmq import RabbitmqBroker

broker = RabbitmqBroker(url=os.environ["PEER_BROKER_URL"], confirm_delivery=True)
dramatiq.set_broker(broker)
local = threading.local()


def own() -> threading.local:
    """This thread's session and connection."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.database = psycopg.connect(os.environ["PEER_DATABASE_URL"], autocommit=True)
    return local


@dramatiq.actor(actor_name="deliver", queue_name=os.environ["PEER_QUEUE"])
def deliver(number: int) -> None:
    mine = own()
    answer = mine.session.post(os.environ["PEER_URL"], json={"nonce": f"bench-{number}"}, timeout=30)
    mine.database.execute(
        "INSERT INTO result (number, status_code, answer) VALUES (%s, %s, %s)",
        (number, answer.status_code, answer.text),
    )


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        deliver.send(number)
