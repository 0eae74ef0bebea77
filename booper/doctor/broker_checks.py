"""Checks RabbitMQ: that every node takes messages, and how its queues are kept."""

from collections.abc import Iterator

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from runtime.settings import Settings, SettingsError
from workers.queue import inspection, tls
from workers.queue.broker import queue_name
from workers.queue.inspection import Facts, Unusable
from workers.queue.nodes import Node, parameters

broker_is = about("broker")
REACH = (
    "Is RabbitMQ up (`rabbitmqctl status`), and may this user use that virtual host (`rabbitmqctl list_permissions`)?"
)
ROOM = "Free memory or disk space, or raise its limits; everything then continues by itself."
MIRRORS_GONE = 4  # the version of RabbitMQ


def check_broker(settings: Settings, management: str | None) -> Iterator[Finding]:
    if settings.embedded:
        yield broker_is(OK, "in the process (embedded mode)")
        return
    try:
        nodes = parameters(settings)
    except SettingsError as error:
        yield broker_is(ERROR, str(error), "Correct the environment of all processes, then restart them.")
        return
    taking = []
    for node in nodes:
        try:
            inspection.publish_once(node, settings.queue_prefix)
        except Unusable as error:
            level = ERROR if len(nodes) == 1 else WARNING
            yield broker_is(level, f"{inspection.address_of(node)} takes no message: {error}", _advice(error, node))
        else:
            taking.append(node)
            encrypted = ", over TLS" if node.ssl_options else ""
            yield broker_is(OK, f"{inspection.address_of(node)} takes messages{encrypted}")
    if taking:
        yield from _queues(taking[0], management, settings)
    elif len(nodes) > 1:
        yield broker_is(ERROR, "no node takes messages", REACH)


def _advice(error: Unusable, node: Node) -> str:
    if "alarm" in str(error):
        return ROOM
    reset = node.ssl_options and "ConnectionResetError" in str(error)
    known = tls.CUT if reset else tls.advice(error)
    return f"{known[:1].upper()}{known[1:]}." if known else REACH


def _queues(node: Node, management: str | None, settings: Settings) -> Iterator[Finding]:
    try:
        facts = inspection.read_management(node, management, queue_name(settings))
    except Unusable as error:
        enable = "`rabbitmq-plugins enable rabbitmq_management`, or name its address with --management URL."
        yield broker_is(NOTE, f"queue types, policies and alarms are unknown: {error}", enable)
        return
    for alarm in facts.alarms:
        yield broker_is(ERROR, f"alarm: {alarm}", ROOM)
    yield from _kinds(facts)
    if dead := sum(queue.ready for queue in facts.queues if queue.name.endswith(".XQ")):
        text = f"{dead} dead letters: messages that no worker understood"
        yield broker_is(WARNING, text, "Read one in RabbitMQ's dashboard, then purge the queue; no job is lost.")


def _kinds(facts: Facts) -> Iterator[Finding]:
    if not facts.queues:
        yield broker_is(NOTE, f"RabbitMQ {facts.version} has no queue of ours yet", "`booper worker` declares them.")
        return
    kinds = ", ".join(
        f"{queue.name} {queue.kind}{f' ({queue.policy})' if queue.policy else ''}" for queue in facts.queues
    )
    yield broker_is(OK, f"RabbitMQ {facts.version}, {facts.nodes} node(s): {kinds}")
    major = facts.version.partition(".")[0]
    mirrored = any(queue.mirrored for queue in facts.queues)
    classic = any(queue.kind == "classic" for queue in facts.queues)
    quorum = "Set BOOPER_QUEUE_TYPE=quorum and delete the queues once (docs/operating.md, RabbitMQ)."
    if mirrored and major.isdecimal() and int(major) >= MIRRORS_GONE:
        yield broker_is(WARNING, "a policy asks for mirrored queues, which RabbitMQ 4 does not have", quorum)
    elif facts.nodes > 1 and classic and not mirrored:
        text = "classic queues live on one node of the cluster: jobs are late while it is down"
        yield broker_is(WARNING, text, quorum)
