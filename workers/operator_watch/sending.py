"""Sends messages to the operator's targets, all at the same time and without a job. What fails is tried again.

The operator named these addresses, so they may lie inside of the network.
"""

import http.client
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from models.alerts import ways
from models.alerts.announcing import parts_for
from models.alerts.forms import message_forms
from models.alerts.messages import IncidentRow, Message
from models.alerts.ways import Target
from models.database.ids import new_id
from models.rules.url_rules import split_url
from runtime import metrics
from workers.delivery.render import mail_of, with_secret
from workers.transport.mail.exchange_limit import cut_after
from workers.transport.mail.mailer import Mailer
from workers.transport.outcome import Answered

log = logging.getLogger("booper.operator")
ANSWER_LIMIT_S = 10.0  # of each step of the exchange
EXCHANGE_LIMIT_S = 20.0  # of all steps after the connect: an answer may come byte by byte
# For all messages, which are sent side by side. With the pause between two looks it is less than turn.TAKE_AFTER_S, so
# that no other process takes the turn meanwhile.
LIMIT_S = 25.0
ROUNDS_S = 5.0  # within which one round after another begins
PAUSES_S = 15.0, 300.0  # before the next try: at first, and at most
KEPT_S = 86_400.0
MAX_KEPT = 100  # for each target
Send = Callable[[Target, Message], str]


class Sender:
    """Sends one message. `mail_from`: the sender of e-mails."""

    def __init__(self, mailer: Mailer, mail_from: str) -> None:
        self._mailer, self._mail_from = mailer, mail_from

    def __call__(self, target: Target, message: Message) -> str:
        """Why the target has not taken the message, without its address; empty: it has."""
        form = message_forms.form_of(target.way, message)
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
        connection.connect()
        with cut_after(EXCHANGE_LIMIT_S, lambda: connection.sock):
            connection.request("POST", target.request_target, body, headers)
            return connection.getresponse().status
    finally:
        connection.close()


class Backlog:
    """What a target has not taken yet, in its order, and when it is tried again. Instants of the steady clock, in
    seconds."""

    def __init__(self, now_s: float) -> None:
        self._messages: deque[tuple[Message, float]] = deque(maxlen=MAX_KEPT)
        self._pause_s = PAUSES_S[0]
        self.next_s = now_s + self._pause_s

    def __bool__(self) -> bool:
        return bool(self._messages)

    @property
    def first(self) -> Message:
        return self._messages[0][0]

    def add(self, message: Message, now_s: float) -> None:
        self._messages.append((message, now_s))

    def note(self, is_taken: bool, now_s: float) -> None:
        """Note what became of the first message. One that is a day old is not tried again."""
        if is_taken:
            self._pause_s, self.next_s = PAUSES_S[0], now_s
        else:
            self._pause_s = min(2 * self._pause_s, PAUSES_S[1])
            self.next_s = now_s + self._pause_s
        if is_taken or now_s - self._messages[0][1] >= KEPT_S:
            self._messages.popleft()


class Outbox:
    """Sends a message to every target. Where some take it, it is kept for the others and tried again for a day. What
    comes later waits behind what is kept for its target: an end that overtook its beginning would leave PagerDuty with
    an incident that nothing ends."""

    def __init__(self, targets: Sequence[Target], send: Send) -> None:
        self._targets, self._send = targets, send
        self._backlogs: dict[Target, Backlog] = {}

    def put(self, message_type: str, rule_name: str, incidents: Sequence[IncidentRow], now: int, now_s: float) -> bool:
        """Whether any target took what is sent about these incidents. If none did, the caller tries again."""
        todo = [
            (target, Message(message_type, rule_name, part, now))
            for target in self._targets
            for part in parts_for(target.way, list(incidents))
        ]
        tried = [each for each in todo if each[0] not in self._backlogs]
        failed = self._send_all(tried)
        if len(failed) == len(tried):
            return False
        for target, message in todo:
            if target in self._backlogs or (target, message) in failed:
                self._backlogs.setdefault(target, Backlog(now_s)).add(message, now_s)
        return True

    def send_again(self, now_s: float) -> None:
        """Try again what is due: the first message of each target, and those behind it once it is taken."""
        ends_s = time.monotonic() + ROUNDS_S
        while time.monotonic() < ends_s:
            due = {target: each.first for target, each in self._backlogs.items() if each.next_s <= now_s}
            if not due:
                return
            failed = self._send_all(list(due.items()))
            for target, message in due.items():
                self._backlogs[target].note((target, message) not in failed, now_s)
            self._backlogs = {target: each for target, each in self._backlogs.items() if each}

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

    threads = [
        threading.Thread(target=run, args=(place,), name=f"sending-{place + 1}", daemon=True)
        for place in range(len(calls))
    ]
    for thread in threads:
        thread.start()
    ends_s = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, ends_s - time.monotonic()))
    return list(answers)
