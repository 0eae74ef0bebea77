"""Delivers: claims the jobs that a message names and hands them to the senders; owns the parts of a sending process.

A message names up to a hundred jobs. As many are claimed as there are free slots: those that nothing limits in one
statement, those of schedules, flows and lanes in a second transaction. Jobs that find no slot within HOLD_S go back to
the table, so that no message is held for long; the stager names them again. Jobs of an account or host whose share
stays full for 50 ms are snoozed, longer each time. They are claimed earlier if a slot becomes free for them.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.database.host_clock import HostClock
from models.database.transactions import transaction, waited_for_a_lock
from models.jobs import lifecycle, staging
from models.jobs.job_kinds import ALERT, CHANNEL
from models.jobs.job_ref import JobRef, Wire
from models.jobs.lifecycle import ClaimedJob
from models.operations import claims
from models.rules import clock
from models.webhooks import event_order
from runtime import metrics
from runtime.settings import Settings
from runtime.signals import run_apart
from workers.delivery import job_events
from workers.delivery.address_policy import address_policy
from workers.delivery.config_cache import ConfigCache
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.host_health import HostHealth
from workers.delivery.long_leases import LongLeases
from workers.delivery.recorder import Recorder
from workers.delivery.render import AckUrls
from workers.delivery.senders import Senders
from workers.delivery.slots import open_files
from workers.delivery.slots.put_off import DATABASE_PAUSE_S, PutOff, SnoozedJob
from workers.delivery.slots.slots import Slots, Taken
from workers.delivery.unknown_claims import UnknownClaims
from workers.transport.client import Transport
from workers.transport.mail.mailer import Mailer

log = logging.getLogger("booper.delivery")
HOLD_S = 5.0
LOOK_AGAIN_S = 0.01
LOOKS = 5  # for a slot of a full share: a message that waits holds a thread that other messages need
SNOOZE_S = (0.25, 0.75)  # at least; doubled each time a message has named the job
LONGEST_WAIT_S = 1.0
RECORDING_GRACE_S = 10.0
ABANDON_S = 2.0
LIMITS_TURN_S = 2.0
HELD_LOOKS = 4  # for jobs that another session holds, each after twice the pause before; then they are put off
HELD_US = clock.SECOND // 4  # at first; doubled each time a message has named the job
Claim = Callable[[Sequence[int], int, int, int], list[ClaimedJob]]


class Delivery:
    """The parts of one sending process. `start`, then `deliver` from any number of threads, `close`, `drain`."""

    def __init__(self, settings: Settings) -> None:
        self._grace_s = settings.shutdown_grace_s
        self._lease_margin_us = int(settings.lease_margin_s * clock.SECOND)
        slots = open_files.slots_allowed(settings.sender_slots)
        self._transport = Transport(
            address_policy(settings),
            connections=min(slots, open_files.IDLE_CONNECTIONS),
            kept_bytes=settings.keep_response_bytes,
            note_lag=metrics.LOOP_LAG.observe,
        )
        self.slots = Slots(slots, settings.slot_share)
        self._closed = threading.Event()
        self._limits_turn = threading.Lock()
        self._configs = ConfigCache()
        self.unknown_claims, self.host_clock = UnknownClaims(), HostClock()
        self.heartbeat = Heartbeat(self.slots, self._look_at_database)
        longest_us = int(settings.max_retry_after_s * clock.SECOND)
        health = HostHealth(settings.breaker_failures, longest_us)
        self.recorder = Recorder(self.heartbeat.count, self._configs, health, longest_us)
        parts = self.slots, self._transport, self.recorder, self._lease_margin_us // 2, self._configs
        mailer = Mailer(settings.smtp_url)
        self.senders = Senders(*parts, acks=AckUrls(settings.own_url), mailer=mailer, mail_from=settings.smtp_from)
        self._put_off = PutOff(self._claim_put_off)
        self._leases = LongLeases(self.senders.under_way, self._lease_margin_us)
        self._sampling = metrics.Sampling(lambda: self.slots.in_use, self.slots.size)

    def start(self) -> None:
        self.recorder.start()
        self.heartbeat.start()
        self._sampling.start()
        self.senders.start()
        self._put_off.start()

    def _look_at_database(self) -> None:
        self.unknown_claims.settle()
        self._leases.renew(clock.now(), self.host_clock.compare())

    def close(self) -> None:
        """Claim nothing more; jobs that wait for a slot go back to the table."""
        self.slots.close()
        self._closed.set()
        self._put_off.close()

    def drain(self) -> None:
        """Let requests under way finish within the grace and record them; then end every thread."""
        self._put_off.stop()
        self.senders.drain(self._grace_s)
        self.recorder.stop(RECORDING_GRACE_S)
        self.heartbeat.stop()
        self._sampling.stop()

    def abandon(self) -> None:
        """Give back what is under way and record what was answered, if the database accepts it within `ABANDON_S`.

        For a process that must end at once. Otherwise the jobs would wait for the end of their leases, and the stop
        would count as a crash of each."""
        run_apart(self._abandon, ABANDON_S)

    def _abandon(self) -> None:
        self.close()
        self.senders.abandon()
        self.recorder.stop(ABANDON_S)

    def deliver(self, jobs: Sequence[Wire], due_at: int) -> None:
        """Claim and send these jobs, all due by `due_at`.

        While the database is gone, wait for at most `HOLD_S` and then drop the message: the ticker notices and names
        the jobs again."""
        give_up_s = time.monotonic() + HOLD_S
        wait_until(due_at)
        waiting = [JobRef.from_message(job) for job in jobs]
        while time.monotonic() < give_up_s:
            try:
                self._deliver(waiting, give_up_s)
                return
            except DatabaseUnreachable as error:
                log.warning("database gone (%s): %d due jobs wait", error, len(waiting))
                time.sleep(DATABASE_PAUSE_S)
        log.error("database gone for %s s: message of %d jobs dropped, to be staged again", HOLD_S, len(waiting))

    def _deliver(self, waiting: list[JobRef], give_up_s: float) -> None:
        looks = 0
        while waiting:
            claim = partial(self._claim, last_try=looks >= HELD_LOOKS)
            taken, held = self._take_and_claim(waiting, give_up_s, claim)
            waiting = taken.no_slot + taken.over_share + held
            if taken.over_share and (looks >= LOOKS or taken.over_share[-1].is_follow_up):
                self._snooze(taken.over_share)
                waiting = taken.no_slot + held
            pause_s = LOOK_AGAIN_S * 2**looks if waiting == held else LOOK_AGAIN_S
            if waiting and (self._closed.wait(pause_s) or time.monotonic() > give_up_s):
                with connection():
                    staging.unstage(ids_of(waiting))
                return
            looks += 1

    def _take_and_claim(
        self, waiting: list[JobRef], give_up_s: float, claim: Callable[[Sequence[JobRef]], list[JobRef]]
    ) -> tuple[Taken, list[JobRef]]:
        """Slots for these jobs, none while results or requests pile up; and what `claim` returns for those with slots:
        the jobs that another session holds."""
        if not self.recorder.keeps_up(give_up_s - time.monotonic()):
            return Taken([], [], waiting), []
        with self.senders.room(len(waiting), give_up_s - time.monotonic()) as has_room:
            taken = self.slots.take(waiting) if has_room else Taken([], [], waiting)
            return taken, claim(taken.admitted) if taken.admitted else []

    def _claim(self, jobs: Sequence[JobRef], last_try: bool) -> list[JobRef]:
        """Claim the jobs that got slots, and give back the slots of those that could not be claimed. Returns those that
        another session held just then; after the last try they are put off instead."""
        claimed: list[ClaimedJob] = []
        try:
            with connection():
                self.unknown_claims.settle()
                claimed = self._claim_all(jobs)
                metrics.count_claimed(claimed)
                self._follow_moved(jobs, claimed)
                self.senders.submit(claimed)
                left = not_claimed(jobs, claimed)
                return self._held(left, last_try) if left else []
        finally:
            self.slots.give(not_claimed(jobs, claimed))

    def _follow_moved(self, named: Sequence[JobRef], claimed: Sequence[ClaimedJob]) -> None:
        """Take the slots of the hosts to which the jobs go now, and of long ones where they are long now: some were
        changed since their message was written."""
        refs = {job.id: job for job in named}
        moved = [job for job in claimed if job.ref != refs[job.id]]
        if moved:
            self.slots.exchange([refs[job.id] for job in moved], [job.ref for job in moved])

    def _held(self, unclaimed: Sequence[JobRef], last_try: bool) -> list[JobRef]:
        """Those of the jobs that could be claimed but for another session. Those that are early are unstaged."""
        early, held = staging.unclaimed(ids_of(unclaimed), clock.now())
        staging.unstage(early)
        if last_try:
            staging.snooze(held, clock.now(), HELD_US)
            return []
        return [job for job in unclaimed if job.id in held]

    def _claim_all(self, jobs: Sequence[JobRef]) -> list[ClaimedJob]:
        """The jobs that could be claimed. What stops only jobs with limits or of schedules does not stop the others."""
        self._configs.refresh({job.account_id for job in jobs})
        claimed = self._claim_and_notify(jobs, lifecycle.claim)
        left = not_claimed(jobs, claimed)
        return claimed + self._claim_limited(left) if left else claimed

    def _claim_limited(self, jobs: Sequence[JobRef]) -> list[ClaimedJob]:
        """Those of the jobs that may begin although something limits them. One claim of this process at a time: claims
        of the same gates would wait for one another in the database, each with the gates that it has locked so far."""
        if not self._limits_turn.acquire(timeout=LIMITS_TURN_S):
            return []
        try:
            return self._claim_and_notify(jobs, claims.claim)
        except DatabaseUnreachable as error:
            if not waited_for_a_lock(error):
                log.warning("database gone (%s): %d jobs with limits wait", error, len(jobs))
            else:
                log.warning("another session holds what limits some of %d jobs: those wait", len(jobs))
        except Exception:
            log.exception("jobs with limits, or of schedules, could not be claimed: they are put off")
        finally:
            self._limits_turn.release()
        return []

    def _claim_and_notify(self, jobs: Sequence[JobRef], claim: Claim) -> list[ClaimedJob]:
        """Claim, and store the events that the jobs begin, in one transaction. "Now" is read inside it: on SQLite the
        writers take turns."""
        with self.unknown_claims.claiming(ids_of(jobs)) as claim_id, transaction():
            now = clock.now()
            claimed = claim(ids_of(jobs), now, self._lease_margin_us - self.host_clock.ahead_us, claim_id)
            # A message to a channel or of an alert may be claimed right after its URL was set, and is lost without it.
            self._configs.fetch({job.account_id for job in claimed if job.kind in (ALERT, CHANNEL)})
            waiting = job_events.add_of_claims(claimed, self._configs, now)
        event_order.release_next_events(waiting)
        return claimed

    def _snooze(self, jobs: Sequence[JobRef]) -> None:
        """Snooze jobs whose account or host has its share of the slots, spread so that messages don't return as one."""
        base_us = int(random.uniform(*SNOOZE_S) * clock.SECOND)
        with connection():
            until = staging.snooze(ids_of(jobs), clock.now(), base_us)
        self._put_off.remember([SnoozedJob(job, at) for job in jobs if (at := until.get(job.id))])

    def _claim_put_off(self, jobs: Sequence[SnoozedJob]) -> list[SnoozedJob]:
        """Claim those of the snoozed jobs for which there are slots now; returns those for which there are none."""
        claim = partial(self._claim_snoozed, {job.ref.id: job.until for job in jobs})
        taken, _ = self._take_and_claim([job.ref for job in jobs], time.monotonic() + LOOK_AGAIN_S, claim)
        waiting = {*taken.over_share, *taken.no_slot}
        return [job for job in jobs if job.ref in waiting]

    def _claim_snoozed(self, until: Mapping[int, int], jobs: Sequence[JobRef]) -> list[JobRef]:
        """Claim the jobs that are still held until these instants; the others were changed, paused or claimed since,
        and give back their slots."""
        same: list[JobRef] = []
        try:
            with connection():
                held = staging.held_until(ids_of(jobs))
            same = [job for job in jobs if held.get(job.id) == until[job.id]]
        finally:
            self.slots.give(set(jobs).difference(same))
        return self._claim(same, last_try=False) if same else []


def ids_of(jobs: Sequence[JobRef]) -> list[int]:
    return [job.id for job in jobs]


def not_claimed(jobs: Sequence[JobRef], claimed: Sequence[ClaimedJob]) -> list[JobRef]:
    """Those of the jobs that were not claimed."""
    taken = {job.id for job in claimed}
    return [job for job in jobs if job.id not in taken]


def wait_until(instant: int) -> None:
    """Sleep until the instant, but at most `LONGEST_WAIT_S`: messages come a little early by design."""
    ahead_s = (instant - clock.now()) / clock.SECOND
    if ahead_s > 0:
        time.sleep(min(ahead_s, LONGEST_WAIT_S))
