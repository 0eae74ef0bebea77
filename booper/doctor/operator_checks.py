"""Checks that the operator is notified of Booper's own troubles, and says which are open."""

from collections.abc import Iterator
from functools import partial

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from models.alerts import messages
from models.alerts.messages import TEST, TEST_ENDED, Message
from models.alerts.ways import KEPT_OPEN, Target, read_targets
from models.database import schema
from models.database.connection import connection
from models.operations.operator_alerts import operator_incidents, turn
from models.rules import clock
from models.rules.clock import SECOND
from runtime.settings import Settings
from workers.operator_watch.sending import Send, Sender, side_by_side
from workers.transport.mail.mailer import Mailer

operator_is = about("operator")
TEST_LIMIT_S = 12.0  # the diagnosis has 15
NOBODY = "nobody is notified of troubles of Booper itself"
NAME = "Set BOOPER_OPERATOR_ALERTS, or let something else watch /readyz and the metrics."
START = "Restart the processes, so that they read BOOPER_OPERATOR_ALERTS; their log says what keeps them from looking."


def check_operator(settings: Settings) -> Iterator[Finding]:
    """Who is notified, whether somebody looks, and what is open."""
    targets = read_targets(settings.operator_alerts)
    if not targets:
        yield operator_is(NOTE, NOBODY, NAME)
        return
    now = clock.now()
    with connection():
        if schema.lacking():
            return
        looked_at, incidents = turn.read().looked_at, operator_incidents.open_now(now)
    ways = ", ".join(target.way for target in targets)
    if looked_at < now - operator_incidents.CURRENT_US:
        seconds = operator_incidents.CURRENT_US // SECOND
        yield operator_is(WARNING, f"no process has looked for troubles for {seconds} s", START)
    elif not incidents:
        yield operator_is(OK, f"troubles of Booper itself go to: {ways}; none is open")
    for each in incidents:
        yield operator_is(WARNING, f"{messages.line_of(each, now)} ({each.detail})", "See docs/operating.md.")


def send_tests(settings: Settings, send: Send | None = None) -> Iterator[Finding]:
    """Send a test message to each target of the operator, and say whether it was taken."""
    targets = read_targets(settings.operator_alerts)
    if not targets:
        yield operator_is(ERROR, NOBODY, NAME)
    used = send or Sender(Mailer(settings.smtp_url), settings.smtp_from)
    failures = side_by_side([partial(_test, used, target) for target in targets], TEST_LIMIT_S)
    for target, failure in zip(targets, failures, strict=True):
        if failure:
            yield operator_is(ERROR, f"the test by {target.way} was not taken: {failure}", "Look at the address.")
        else:
            yield operator_is(OK, f"the test by {target.way} was taken")


def _test(send: Send, target: Target) -> str:
    """Why the target did not take the test, or its end where it needs one; empty: it took them."""
    message = Message(TEST, "operator", (), clock.now())
    failure = send(target, message)
    if failure or target.way not in KEPT_OPEN:
        return failure
    failure = send(target, message._replace(type=TEST_ENDED))
    return failure and f"its end failed ({failure}); resolve it there"
