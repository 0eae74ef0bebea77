"""F22: tickers are killed while incidents open and close, with a standby beside them: each change is sent once."""

import json
import os
import signal
from collections import Counter

import pytest

from tests.support.faults.scale import FULL, seeded
from tests.support.journeys.client import Client
from tests.support.scripted_receivers import ScriptedReceiver, read_request
from tests.support.waiting import wait_until

SCHEDULES, KILLS = (200, 12) if FULL else (12, 2)
ANSWER = "HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n"
BAD = SCHEDULES // 2  # the schedules with lower numbers fail while the target is bad

WAITING = "SELECT count(*) FROM job WHERE kind = 'alert' AND state <> 'completed'"


class Target:
    """Answers schedules by their numbers, and keeps what people are sent."""

    def __init__(self):
        self.is_bad, self.messages = False, []

    def __call__(self, conn, receiver):
        while request := read_request(conn):
            head, _, body = request.partition(b"\r\n\r\n")
            path = head.split()[1].decode()
            if path == "/hook":
                self.messages.append(json.loads(body))
            fails = path != "/hook" and self.is_bad and int(path.removeprefix("/")) < BAD
            conn.sendall(ANSWER.format(500 if fails else 200).encode())

    def sent(self):
        return Counter((each["type"], each["incident"]["title"]) for each in self.messages)


@pytest.fixture
def target():
    answering = Target()
    receiver = ScriptedReceiver(answering)
    answering.url = receiver.url
    yield answering
    receiver.close()


def test_f22_killed_tickers_send_each_change_of_an_incident_once(production, target):
    product, chance = production.product, seeded("alerts")
    client = Client(product.port, product.key, 0)
    product.launch("ticker")
    rule = {"name": "all", "on": ["failed", "recovered"], "to": [{"webhook": target.url("/hook")}]}
    assert client.ask("POST", "/api/alerts", rule)[0] == 201
    for number in range(SCHEDULES):
        job = {"url": target.url(f"/{number}"), "name": f"s{number}", "repeat_every": 1, "max_attempts": 1}
        assert client.ask("POST", "/api/jobs", job)[0] == 201

    must_be = Counter()
    for is_bad, message in ((True, "incident.opened"), (False, "incident.closed")):
        must_be += Counter((message, f"s{number}") for number in range(BAD))
        target.is_bad = is_bad
        for number in range(KILLS // 2):
            enough = min(must_be.total(), must_be.total() - BAD + number + 1)
            wait_until(lambda enough=enough: target.sent().total() >= enough, 60, "a message")
            kill_a_ticker(product, chance)
        wait_until(lambda must_be=must_be: not must_be - target.sent(), 120, f"{message} of each")

    client.ask("PATCH", f"/api/alerts/{client.get('/api/alerts')['data'][0]['id']}", {"enabled": False})
    wait_until(lambda: product.sql(WAITING)[0][0] == 0, 60, "all messages to be delivered")
    assert target.sent() == must_be
    assert product.sql("SELECT count(*) FROM incident")[0][0] == BAD


def kill_a_ticker(product, chance):
    """The one of the worker, which its supervisor starts again, or the one beside it, which we do."""
    if chance.random() < 0.5:
        victim = product.ticker()
        os.kill(victim, signal.SIGKILL)
        product.ticker(other_than=victim)
    else:
        product.processes["ticker"].kill()
        product.launch("ticker")
