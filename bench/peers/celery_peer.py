"""Runs Celery: one message a job, acknowledged after the work; SQLAlchemy commits a row for each result."""

import os
import sys

import requests
from celery import Celery

app = Celery("peer", broker=os.environ["PEER_BROKER_URL"])
app.conf.update(
    result_backend=os.environ["PEER_DATABASE_URL"].replace("postgresql://", "db+postgresql+psycopg://"),
    task_default_queue=os.environ["PEER_QUEUE"],
    task_acks_late=True,
    broker_transport_options={"confirm_publish": True},
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
)
session = requests.Session()


@app.task(name="deliver")
def deliver(number: int) -> int:
    answer = session.post(os.environ["PEER_URL"], json={"nonce": f"bench-{number}"}, timeout=30)
    return answer.status_code


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        deliver.delay(number)
