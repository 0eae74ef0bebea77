"""A message to the operator goes out in the whole form of its way, with its headers and its key."""

import pytest

from models.alerts.forms import message_forms
from models.alerts.messages import OPENED, Message
from models.alerts.ways import EMAIL, PAGERDUTY, WAYS, Target
from models.operations.operator_alerts import operator_incidents
from models.rules import clock
from tests.support.scripted_receivers import ScriptedReceiver, answering
from workers.delivery.render import with_secret
from workers.operator_watch.sending import Sender
from workers.transport.mail.mailer import Mailer

KEY = "0123456789abcdef0123456789abcdef"
TAKEN = b"HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def receiver():
    started = ScriptedReceiver(answering(TAKEN))
    yield started
    started.close()


def a_message():
    rule = operator_incidents.rule_of("operator of a", None)
    return Message(OPENED, rule.name, [operator_incidents.outage(rule, clock.now(), "gone")], clock.now())


@pytest.mark.parametrize("way", [way for way in WAYS if way != EMAIL])
def test_each_way_gets_its_whole_form(moved_clock, receiver, way):
    secret, message = KEY if way == PAGERDUTY else None, a_message()
    form = message_forms.form_of(way, message)

    assert Sender(Mailer(""), "booper@example.com")(Target(way, receiver.url("/hook?a=b"), secret), message) == ""

    [request] = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /hook?a=b HTTP/1.1"
    assert headers.items() >= {**form.headers, "Content-Type": form.content_type, "User-Agent": "Booper"}.items()
    assert body == with_secret(form.body, secret)
    assert (KEY.encode() in body) == (way == PAGERDUTY)
