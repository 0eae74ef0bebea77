"""Sends messages to the operator's targets: at once and side by side, by no job. What fails is tried again.

The operator named these addresses, so they may lie inside of the network.
"""

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from models.alerts import forms, ways
from models.alerts.announcing import parts_for
from models.alerts.messages import IncidentRow, Message
from models.alerts.ways import Target
from models.database.ids import new_id
from models.rules.url_rules import split_url
from runtime import metrics
from workers.delivery.render import mail_of, with_secret
from workers.transport.mail.mailer import Mailer
from workers.transport.outcome import Answered

log = logging.getLogger("booper.operator")
ANSWER_LIMIT_S = 10.0  # of each step of the exchange
LIMIT_S = 25.0  # of all messages at once; less than turn.TAKE_AFTER_S
PAUSES_S = 15.0, 300.0  # before the next try: at first, and at most
KEPT_S = 86_400.0
MAX_KEPT = 100
Send = Callable[[Target, Message], str]


class Sender:
    """Sends one message. `mail_from`: the sender of e-mails."""

    def __init__(self, mailer: Mailer, mail_from: str) -> None:
        self._mailer, self._mail_from = mailer, mail_from

    def __call__(self, target: Target, message: Message) -> str:
        """Why the target has not taken the message, without its address; empty: it has."""
        form = forms.form_of(target.way, message)
        try:
            if target.way == ways.EMAIL:
                address = target.url.removeprefix(ways.MAILTO)
                mail = mail_of(json.loads(form.body), address, self._mail_from, new_id(), message.at)
                outcome = self._mailer.send(mail)
                return "" if isinstance(outcome, Answered) and outcome.status_code < 300 else outcome_text(outcome)
            headers = {**form.headers, "Content-Type": form.content_type, "User-Agent": "Booper"}
            status = post(target.url, with_secret(form.body, target.secret) or b"", headers)
            return "" if 200 <= status < 300 else f"answered {status}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return type(error).__name__


def outcome_text(outcome: object) -> str:
    """What became of an e-mail that was not taken."""
    if isinstance(outcome, Answered):
        return f"answered {outcome.status_code}"
    return str(getattr(outcome, "detail", "") or type(outcome).__name__)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer. Raises OSError or HTTPException where there is none. Redirects are not followed."""
    target = split_url(url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.host, target.port, timeout=ANSWER_LIMIT_S)
    try:
        connection.request("POST", target.request_target, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


class Kept(NamedTuple):
    """A message that its target has not taken yet. Instants of the steady clock, in seconds."""

    target: Target
    message: Message
    first_s: float
    next_s: float
    pause_s: float


class Outbox:
    """Sends a message to every target. Where some take it, it is kept for the others and tried again for a day."""

    def __init__(self, targets: Sequence[Target], send: Send) -> None:
        self._targets, self._send = targets, send
        self._kept: list[Kept] = []

    def put(self, message_type: str, rule_name: str, incidents: Sequence[IncidentRow], now: int, now_s: float) -> bool:
        """Whether any target took what is sent about these incidents. If none did, the caller tries again."""
        todo = [
            (target, Message(message_type, rule_name, part, now))
            for target in self._targets
            for part in parts_for(target.way, list(incidents))
        ]
        failed = self._send_all(todo)
        if len(failed) == len(todo):
            return False
        first_s, _ = PAUSES_S
        self._kept += [Kept(target, message, now_s, now_s + first_s, first_s) for target, message in failed]
        self._kept = self._kept[-MAX_KEPT:]
        return True

    def send_again(self, now_s: float) -> None:
        """Try again what is due."""
        due = [each for each in self._kept if each.next_s <= now_s]
        if not due:
            return
        self._kept = [each for each in self._kept if each.next_s > now_s]
        failed = self._send_all([(each.target, each.message) for each in due])
        for each in due:
            if (each.target, each.message) in failed and now_s - each.first_s < KEPT_S:
                pause_s = min(2 * each.pause_s, PAUSES_S[1])
                self._kept.append(each._replace(next_s=now_s + pause_s, pause_s=pause_s))

    def _send_all(self, todo: Sequence[tuple[Target, Message]]) -> list[tuple[Target, Message]]:
        """Those that were not taken."""
        answers = side_by_side([partial(self._send, *each) for each in todo], LIMIT_S)
        for (target, _), answer in zip(todo, answers, strict=True):
            metrics.count_operator_message(is_delivered=not answer)
            if answer:
                log.error("the operator was not notified by %s (%s); it is tried again", target.way, answer)
        return [each for each, answer in zip(todo, answers, strict=True) if answer]


def side_by_side(calls: Sequence[Callable[[], str]], limit_s: float) -> list[str]:
    """What each returns, or why it returned nothing in time."""
    answers = ["no end in time"] * len(calls)

    def run(place: int) -> None:
        answers[place] = calls[place]()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    ends_s = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, ends_s - time.monotonic()))
    return list(answers)
