"""Runs the receiver that docs/clients.md shows, and lets a server send it a request."""

import os
import subprocess

import requests

from booper_client import Client
from tests.support.journeys.ports import free_port
from tests.support.waiting import wait_until

PORT_OF_THE_PAGE = "9000"


def received_by(program, file, source, url, key):
    """What the receiver prints for a request of a stranger, and for one that is ordered by the page."""
    port = str(free_port())
    file.write_text(source.replace(PORT_OF_THE_PAGE, port))
    address = f"http://127.0.0.1:{port}/"
    with Client(url, key) as client:
        env = os.environ | {"BOOPER_SIGNING_SECRET": client.signing_keys.create().secret}
        process = subprocess.Popen([program, file.name], cwd=file.parent, env=env, stdout=subprocess.PIPE, text=True)
        try:
            status = wait_until(lambda: _answer_to_a_stranger(address), what="the receiver")
            job = client.jobs.create(address, method="post", body={"hello": "world"})
            lines = [process.stdout.readline(), process.stdout.readline()]
            assert (status, client.jobs.wait(job, every_seconds=0.02).state) == (401, "completed")
        finally:
            process.kill()
            process.communicate(timeout=30)
    return lines


def _answer_to_a_stranger(address):
    try:
        return requests.post(address, json={"hello": "stranger"}, timeout=30).status_code
    except requests.ConnectionError:
        return None
