"""Runs ticker and worker in this thread: the parts of the product, but for the broker and the network.

Each target answers as the scenario says; what was sent stands in the record, byte for byte.
"""

import json
from types import SimpleNamespace

from models.operations.heartbeats import Depths
from models.rules import clock
from tests.support.results import answered
from tests.support.scenes.scene import pretty
from workers.assembly import make_ticker
from workers.delivery import delivery as delivering
from workers.delivery.delivery import Delivery
from workers.transport.outcome import Blocked, Refused, outcome_of
from workers.transport.unsent import Unsent
from workers.transport.wire_format import target_of, to_wire

MANY = 50
OF_EACH_REQUEST = {"Host", "Idempotency-Key", "Booper-Hop", "User-Agent", "Accept-Encoding", "Content-Length"}
NO_TIMINGS = SimpleNamespace()


class Messages:
    """Stands in for the broker: hands out what was published, in its order."""

    def __init__(self):
        self.waiting, self.probes = [], []

    def send_deliver(self, jobs, due_at, now):
        self.waiting.append(([job.to_message() for job in jobs], due_at))

    def take_due(self, now):
        """The messages whose time has come, the first first."""
        due = sorted((message for message in self.waiting if message[1] <= now), key=lambda message: message[1])
        self.waiting = [message for message in self.waiting if message[1] > now]
        return due

    def send_probe(self, now):
        self.probes.append(now)

    def keep_alive(self):
        pass

    def depths(self, now):
        return Depths(3, 2, 1, now)


class Alone:
    """The lead of a ticker that has no rival."""

    def hold(self):
        return True

    def give_up(self):
        pass


class Targets:
    """Stands in for the network. `answers`: for each beginning of a URL the outcomes of its requests, in their order;
    the last one for all further ones. An outcome may be a function of the request."""

    def __init__(self, scene, answers):
        self.scene, self.answers, self.unsent = scene, {url: list(each) for url, each in answers.items()}, Unsent(200)
        self.hides = ()  # beginnings of URLs whose requests are not shown
        self.is_brief = False  # without the headers that each request has; else these stand with the first to a host
        self._shown = set()
        self.ack_paths = {}  # by URL

    def __call__(self, *_, **__):
        """As the class of a transport."""
        return self

    def start(self, take, *_):
        self.take, self.record = take, lambda: None

    def close(self):
        pass

    def submit(self, requests):
        for sending, request in requests:
            outcome = self.outcome(request)
            if outcome is None:  # it stays under way
                continue
            self.scene.clock.advance(seconds=(took_ms(outcome) or 0) / 1000)
            self.take([(sending, outcome)])
            self.record()

    def outcome(self, request):
        try:
            wire = to_wire(request, target_of(request))
        except Blocked as blocked:
            return outcome_of(blocked, NO_TIMINGS)
        if not request.url.startswith(tuple(self.hides)):
            is_brief = self.is_brief or request.url.split("/")[2] in self._shown
            self._shown.add(request.url.split("/")[2])
            self.scene.write(f"\n>>> {request.url} (limit {request.timeout_ms} ms)\n{shown_wire(wire, is_brief)}")
        if ack_url := request.headers.get("Booper-Ack-Url"):
            self.ack_paths[request.url] = ack_url.removeprefix("https://booper.example")
        outcome = self._next(request.url)
        return outcome(request) if callable(outcome) else outcome

    def _next(self, url):
        begins = max((begin for begin in self.answers if url.startswith(begin)), key=len, default=None)
        if begins is None:
            return answered(200, b"fine", total_ms=4.0)
        outcomes = self.answers[begins]
        return outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]


class MailBox:
    """Stands in for the mail server: takes everything, but what a scenario lets it refuse."""

    def __init__(self, scene):
        self.scene, self.outcomes = scene, []

    def __call__(self, _url):
        """As the class of a mailer."""
        return self

    def submit(self, mail, done):
        self.scene.write(f"\n>>> mail\n{shown_mail(mail)}")
        done(self.outcomes.pop(0) if self.outcomes else answered(250, total_ms=7.0))

    def close(self):
        pass


class Machinery:
    """`go_on(seconds)` lets the clock go on in steps and does what is due. `answers`: see Targets."""

    def __init__(self, scene, answers):
        self.scene, self.steady_s = scene, 1.0
        self.targets, self.mails, self.messages = Targets(scene, answers), MailBox(scene), Messages()
        scene.monkeypatch.setattr(delivering, "Transport", self.targets)
        scene.monkeypatch.setattr(delivering, "Mailer", self.mails)
        self.delivery = Delivery(scene.settings)
        self.targets.start(self.delivery.senders._end)
        self.recorder = self.delivery.recorder
        self.targets.record = self.record
        self.ticker = make_ticker(scene.settings, self.messages, Alone(), lambda: None)
        self.delivery.heartbeat._started_at = clock.now()

    def go_on(self, seconds=1, step=1):
        """In steps of so many seconds."""
        for _ in range(int(seconds / step)):
            self.scene.clock.advance(seconds=step)
            self.steady_s += step
            self.round()

    def round(self):
        """Everything that is due now, and what follows from it at once."""
        for _ in range(MANY):
            self.ticker.tick(clock.now(), self.steady_s)
            self.delivery.heartbeat.write(clock.now())
            self.delivery._leases.renew(clock.now())
            due = self.messages.take_due(clock.now())
            if not due:
                return
            for jobs, due_at in due:
                self.deliver(jobs, due_at)
        raise AssertionError("there is always something to do")

    def deliver(self, jobs, due_at):
        """One job after another: PostgreSQL has an order of its own in what it claims together."""
        for job in jobs:
            self.delivery.deliver([job], due_at)
            self.record()

    def record(self):
        """Record what has ended."""
        while self.recorder._results:
            self.recorder._record([self.recorder._results.popleft()])
            self.scene.level_job_ids()


def took_ms(outcome):
    return None if isinstance(outcome, Refused) else outcome.timings.total_ms


def shown_wire(wire, is_brief=False):
    """Head and body; JSON with a member a line."""
    head, _, body = wire.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "backslashreplace").split("\r\n")
    if is_brief:
        lines = [line for line in lines if line.partition(":")[0] not in OF_EACH_REQUEST]
    text = body.decode("utf-8", "backslashreplace")
    shown = pretty(json.loads(text), sort=False) if text.startswith("{") else text
    return escaped("\n".join([*lines, *filter(None, [shown])]))


def escaped(text):
    """Without characters that a text file does not show."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in text)


def shown_mail(mail):
    """The headers, then each part as its reader sees it."""
    parts = [f"[{part.get_content_type()}]\n{part.get_content().rstrip()}" for part in mail.iter_parts()]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items() if name != "Content-Type"), *parts])
