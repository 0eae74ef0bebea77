"""What is found in RabbitMQ: a real one that takes messages, one that is away, one that is silent; and what its
management plugin says, for which a server of our own stands in."""

import contextlib
import http.server
import json
import threading
from unittest.mock import Mock

import pika
import pytest

from booper.doctor.broker_checks import check_broker
from booper.doctor.finding import ERROR, NOTE, OK, WARNING
from runtime.settings import load
from tests.support.services import RABBITMQ_URL, unavailable
from tests.support.stalling_proxy import StallingProxy
from workers.queue import inspection

QUEUE = {"name": "booper.deliver", "type": "quorum", "messages": 0}
DEAD = {"name": "booper.deliver.XQ", "type": "quorum", "messages": 3}
MIRRORED = QUEUE | {"type": "classic", "policy": "booper", "effective_policy_definition": {"ha-mode": "all"}}
NODE = {"name": "rabbit@a", "mem_alarm": False, "disk_free_alarm": False}


@pytest.fixture(scope="module")
def rabbitmq():
    try:
        pika.BlockingConnection(pika.URLParameters(RABBITMQ_URL)).close()
    except (OSError, pika.exceptions.AMQPError) as error:
        unavailable("RabbitMQ", error)
    return RABBITMQ_URL


def findings_of(url, management="http://127.0.0.1:1"):
    environ = {"BOOPER_BROKER_URL": url, "BOOPER_DATABASE_URL": "postgresql://h/n"}
    return list(check_broker(load(environ), management))


def levels(findings):
    return [finding.level for finding in findings]


def test_in_embedded_mode_there_is_nothing_to_reach():
    assert levels(check_broker(load({}), None)) == [OK]


def test_a_broker_that_takes_messages_is_fine_and_gets_no_queue(rabbitmq):
    findings = findings_of(rabbitmq)
    assert (levels(findings), "takes messages" in findings[0].text) == ([OK, NOTE], True)
    assert "management" in findings[1].advice


def test_a_message_counts_as_taken_once_the_broker_has_confirmed_it(monkeypatch):
    """Without that, one that the broker drops would count as taken."""
    channel = Mock()
    monkeypatch.setattr(inspection.pika, "BlockingConnection", lambda _: Mock(channel=lambda: channel))

    inspection.publish_once(pika.URLParameters("amqp://broker"), "booper")

    assert [call[0] for call in channel.method_calls] == ["confirm_delivery", "queue_declare", "basic_publish"]
    assert channel.queue_declare.call_args.kwargs == {"exclusive": True}


def test_a_broker_that_is_away_is_an_error_without_the_password():
    [finding] = findings_of("amqp://booper:c4nary@127.0.0.1:1")
    assert (finding.level, "127.0.0.1:1 takes no message" in finding.text) == (ERROR, True)
    assert "c4nary" not in finding.text


def test_a_wrong_password_is_an_error_and_is_not_printed(rabbitmq):
    [finding] = findings_of(rabbitmq.replace("guest:guest", "guest:c4nary"))
    assert (finding.level, "c4nary" in finding.text) == (ERROR, False)


def test_a_silent_broker_is_an_error_within_the_limits(rabbitmq, monkeypatch):
    monkeypatch.setitem(inspection.LIMITS, "socket_timeout", 0.3)
    monkeypatch.setitem(inspection.LIMITS, "stack_timeout", 0.5)
    with StallingProxy(pika.URLParameters(rabbitmq).port) as proxy:
        proxy.silence()
        [finding] = findings_of(proxy.url(rabbitmq))
    assert finding.level == ERROR


def test_one_node_of_a_cluster_that_is_away_is_a_warning_and_all_are_an_error(rabbitmq):
    away = "amqp://guest:guest@127.0.0.1:1"
    assert levels(findings_of(f"{away};{rabbitmq}"))[:2] == [WARNING, OK]
    assert levels(findings_of(f"{away};{away}")) == [WARNING, WARNING, ERROR]


@contextlib.contextmanager
def management(version="3.13.1", nodes=(NODE,), queues=(QUEUE,), status=200):
    """A management plugin that says this."""
    rows = {"/api/overview": {"rabbitmq_version": version}, "/api/nodes": list(nodes)}
    rows |= {f"/api/queues/%2F/{queue['name']}": queue for queue in queues}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(rows.get(self.path)).encode()
            self.send_response(status if self.path in rows else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="management")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def said(rabbitmq, **facts):
    with management(**facts) as url:
        return findings_of(rabbitmq, url)[1:]


def test_queues_of_one_node_are_fine_whatever_their_type(rabbitmq):
    for queue in (QUEUE, QUEUE | {"type": "classic"}):
        [finding] = said(rabbitmq, queues=(queue,))
        assert (finding.level, f"booper.deliver {queue['type']}" in finding.text) == (OK, True)


@pytest.mark.parametrize(
    ("facts", "level", "named"),
    [
        ({"nodes": [NODE | {"mem_alarm": True}]}, ERROR, "memory of rabbit@a"),
        ({"nodes": [NODE | {"disk_free_alarm": True}]}, ERROR, "disk of rabbit@a"),
        ({"queues": [QUEUE, DEAD]}, WARNING, "3 dead letters"),
        ({"queues": []}, NOTE, "no queue of ours yet"),
        ({"nodes": [NODE, NODE], "queues": [QUEUE | {"type": "classic"}]}, WARNING, "live on one node"),
        ({"version": "4.0.2", "queues": [MIRRORED]}, WARNING, "RabbitMQ 4 does not have"),
        ({"status": 401}, NOTE, "answers 401"),
    ],
)
def test_what_the_management_plugin_says_is_judged(rabbitmq, facts, level, named):
    assert any(finding.level == level and named in finding.text for finding in said(rabbitmq, **facts))


def test_messages_that_wait_for_their_time_are_no_dead_letters(rabbitmq):
    delayed = {"name": "booper.deliver.DQ", "type": "quorum", "messages": 3}
    assert levels(said(rabbitmq, queues=(QUEUE, delayed))) == [OK]


def test_the_queues_are_asked_for_at_a_node_that_takes_messages(monkeypatch):
    looked_at = []

    def publish_once(node, _prefix):
        if node.host == "away":
            raise inspection.Unusable("no connection")

    def read_management(node, *_):
        looked_at.append(node.host)
        raise inspection.Unusable("no plugin")

    monkeypatch.setattr(inspection, "publish_once", publish_once)
    monkeypatch.setattr(inspection, "read_management", read_management)

    findings = findings_of("amqp://away;amqp://there;amqp://there-too")

    assert levels(findings) == [WARNING, OK, OK, NOTE]
    assert looked_at == ["there"]


def test_mirrored_queues_of_a_cluster_before_4_are_fine(rabbitmq):
    assert levels(said(rabbitmq, nodes=[NODE, NODE], queues=[MIRRORED])) == [OK]
