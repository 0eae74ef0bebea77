"""Hands claimed jobs over to the transport, and what comes of them to the recorder.

The caller has taken a slot for each job it submits; the slot goes back when the request is over. One lock guards what
is under way, so that a stopping process can give back the rest.
"""

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.flows import leaving
from models.jobs import lifecycle
from models.jobs.job_kinds import GROUP
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.rules.listener_urls import PREFIX
from runtime import tracing
from workers.delivery import group_sets
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.last_look import LastLook
from workers.delivery.listening.hand_over import hand_over
from workers.delivery.recorder import Recorder
from workers.delivery.render import NOWHERE, AckUrls, mail_address_of, render_mail, render_request
from workers.delivery.slots.slots import Slots
from workers.transport.client import Transport
from workers.transport.mail.mailer import Mailer
from workers.transport.outcome import Blocked, Outcome, Refused, Timings, Unreachable
from workers.transport.wire_format import Request

log = logging.getLogger("booper.senders")


class Sending(NamedTuple):
    """Is a job under way: the request that its attempt sends, and the span of it, if there are traces."""

    job: ClaimedJob
    request: Request
    span: Any


class Senders:
    """Sends jobs: `start`, then `submit`, which never waits; `drain` ends it."""

    def __init__(
        self,
        slots: Slots,
        transport: Transport,
        recorder: Recorder,
        fresh_us: int,
        configs: ConfigCache | None = None,
        last_look: LastLook | None = None,
        acks: AckUrls = NOWHERE,
        mailer: Mailer | None = None,
        mail_from: str = "",
    ) -> None:
        """`fresh_us`: how long after its claim a request may begin; part of the margin that leases have."""
        self._slots, self._transport, self._recorder, self._fresh_us = slots, transport, recorder, fresh_us
        self._configs, self._acks = configs or ConfigCache(), acks
        self._last_look = last_look or LastLook()
        self._mailer, self._mail_from = mailer or Mailer(""), mail_from
        self._under_way: dict[tuple[int, int], ClaimedJob] = {}  # by job and fence: it may hold an ended claim too
        self._done = threading.Condition()

    def start(self) -> None:
        """Start the threads. Raises RuntimeError when the system gives none."""
        self._last_look.start()
        look = self._last_look
        self._transport.start(
            self._end,
            lambda sending, count_anew, answer: look.may_go(sending.job, count_anew, answer),
            lambda sending: look.went_late(sending.job),
        )

    def room(self, count: int, timeout_s: float) -> AbstractContextManager[bool]:
        """Wait until few requests wait to go out, and keep room for `count` more in the block, which submits them.
        Gives False if that takes too long."""
        return self._transport.unsent.room(count, timeout_s)

    def submit(self, jobs: Sequence[ClaimedJob]) -> None:
        """Send these jobs' requests; their slots are already taken."""
        oldest_at = clock.now() - self._fresh_us
        stale = [job for job in jobs if job.attempted_at < oldest_at]
        if stale:
            self._give_back_stale(stale)
        fresh = [job for job in jobs if job.attempted_at >= oldest_at]
        with self._done:
            self._under_way.update(((job.id, job.claim_id), job) for job in fresh)
        sendings = [sending for job in fresh if (sending := self._rendered(job)) is not None]
        if sendings:
            self._transport.submit((sending, sending.request) for sending in sendings)

    def under_way(self) -> list[ClaimedJob]:
        """The jobs whose requests this process holds."""
        with self._done:
            return list(self._under_way.values())

    def drain(self, grace_s: float) -> None:
        """Wait up to `grace_s` for the requests under way, then leave the rest and give back their claims, attempts and
        all."""
        with self._done:
            self._done.wait_for(lambda: not self._under_way, grace_s)
        self._transport.close()
        self._mailer.close()
        self._last_look.stop()
        if self._under_way:
            log.warning("%d requests outlasted the grace of %s s: given back", len(self._under_way), grace_s)
            self.abandon()

    def abandon(self) -> None:
        """Give back the claims of all requests under way, without waiting for them: their process ends at once."""
        with self._done:
            left = list(self._under_way.values())
            self._under_way.clear()
        if left:
            self._release(left)

    def _rendered(self, job: ClaimedJob) -> Sending | None:
        """The job's request; one that can't be made has ended."""
        request = Request("GET", "", {}, None, job.timeout_ms)
        try:
            if job.kind == GROUP:
                self._end([(Sending(job, request, None), group_sets.make(job))])
                return None
            config = self._configs.of(job.account_id)
            address = mail_address_of(job, config)
            if address is not None:
                self._mail(Sending(job, request, None), address)
                return None
            request = render_request(job, config, self._acks)
            if request.url.startswith(PREFIX):
                hand_over(job, request, self._configs)
                self._let_go(job)
                return None
            return Sending(job, *tracing.begin_attempt(job, request))
        except Blocked as blocked:
            outcome: Outcome = Refused(blocked.reason, blocked.detail)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): job %d is given back and begins later", error, job.id)
            self._give_up(job)
            return None
        except MemoryError:  # there may be enough at the next attempt
            outcome = Unreachable("connect", "no memory for the request", Timings())
        except Exception as error:
            log.exception("job %d could not be made into a request", job.id)
            outcome = Refused("invalid_request", type(error).__name__)
        self._end([(Sending(job, request, None), outcome)])
        return None

    def _mail(self, sending: Sending, address: str) -> None:
        mail = render_mail(sending.job, address, self._mail_from)
        self._mailer.submit(mail, lambda outcome: self._end([(sending, outcome)]))

    def _give_up(self, job: ClaimedJob) -> None:
        """Give back one claim."""
        self._let_go(job)
        self._release([job])

    def _let_go(self, job: ClaimedJob) -> None:
        """Hold this job no longer."""
        with self._done:
            self._under_way.pop((job.id, job.claim_id), None)
            if not self._under_way:
                self._done.notify_all()
        self._slots.give([job.ref])

    def _end(self, ended: Sequence[tuple[Sending, Outcome]]) -> None:
        """Pass on what came of these requests. Those of jobs cancelled before leave no attempt: their claims have
        ended."""
        now, results = clock.now(), []
        for (job, request, span), outcome in ended:
            tracing.end_attempt(span, outcome)
            if isinstance(outcome, Refused) and outcome.reason == "cancelled":
                continue
            results.append(Result(job, request, outcome, now))
        self._recorder.put(results)
        self._slots.give([sending.job.ref for sending, _ in ended])
        with self._done:
            for sending, _ in ended:
                self._under_way.pop((sending.job.id, sending.job.claim_id), None)
            if not self._under_way:
                self._done.notify_all()

    def _give_back_stale(self, jobs: list[ClaimedJob]) -> None:
        """Release jobs of a process that stood still since their claim. The leases may end before the answers are
        recorded, or have ended: the requests would be sent twice."""
        log.warning("%d jobs waited too long since their claim: given back unsent", len(jobs))
        self._release(jobs)
        self._slots.give([job.ref for job in jobs])

    def _release(self, jobs: list[ClaimedJob]) -> None:
        """Give back the claims, attempts and all, if the database takes it."""
        try:
            with connection():
                lifecycle.release(jobs)
                leaving.make_room(jobs)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): the leases of %d jobs bring them back", error, len(jobs))
