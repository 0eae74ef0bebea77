"""Watches over Booper: looks for troubles, and notifies the operator of those that last and of their end.

Every process that has a ticker or serves the API can do it; one of them does at a time. While the database is away, the
process that watched last sends that from memory. Everything else is in rows, so a restart repeats nothing.
"""

import logging
import platform
import threading
import time
from collections.abc import Sequence

from models.alerts.ways import Target, read_targets
from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.operations.operator_alerts import operator_incidents, troubles
from models.operations.operator_alerts.troubles import AFTER_US, Bounds
from models.operations.operator_alerts.turn import Turn
from models.rules import clock
from models.rules.clock import SECOND
from runtime import metrics
from runtime.settings import Settings
from workers.operator_watch.outage import Outage
from workers.operator_watch.sending import Outbox, Send, Sender
from workers.transport.mail.mailer import Mailer

log = logging.getLogger("booper.operator")
LOOK_EVERY_S = 10.0
JOIN_S = 5.0


class Watch:
    """A thread of its own, if BOOPER_OPERATOR_ALERTS names anybody: `start`, then `stop`."""

    def __init__(self, settings: Settings, send: Send | None = None) -> None:
        self._targets: Sequence[Target] = read_targets(settings.operator_alerts)
        self._outbox = Outbox(self._targets, send or Sender(Mailer(settings.smtp_url), settings.smtp_from))
        self._bounds = Bounds(
            settings.operator_backlog_s * SECOND, settings.sqlite_file, bool(settings.smtp_url), settings.hold
        )
        name = f"operator of {settings.own_url or platform.node()}"
        self._rule = operator_incidents.rule_of(name, settings.operator_repeat_s * SECOND or None)
        self._turn, self._outage = Turn(), Outage(self._rule, self._outbox)
        self._answered_since: int | None = None  # since when the database has answered this process without a failure
        self._watched_since: int | None = None  # the same of the turn; None: it is another process's
        self._looked_at = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="operator watch", daemon=True)

    def start(self) -> None:
        if self._targets:
            self._thread.start()

    def stop(self) -> None:
        """Let another process watch. What is open stays so, and is not sent again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self.look(clock.now(), time.monotonic())
        self.leave()

    def leave(self) -> None:
        """Give up the turn, if the database takes it."""
        try:
            with connection():
                self._turn.leave()
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): the watch ends without a word", error)

    def look(self, now: int, now_s: float) -> None:
        """Look once. `now_s`: of the steady clock. It never fails."""
        try:
            with connection():
                self._look(now, now_s)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): next look in %s s", error, LOOK_EVERY_S)
            self._answered_since = None
            self._turn.forget()
            if self._watched_since is not None:
                self._outage.go_on(self._looked_at, str(error), now, now_s)
        except Exception:
            log.exception("the watch over Booper failed; next look in %s s", LOOK_EVERY_S)
        self._outbox.send_again(now_s)

    def _look(self, now: int, now_s: float) -> None:
        self._answered_since = now if self._answered_since is None else self._answered_since
        before = self._turn.take(now, now_s)
        self._end_outage(before, self._answered_since, now)
        if before is None:
            self._watched_since = None
            metrics.set_operator_incidents(())
            return
        self._watched_since = now if self._watched_since is None else self._watched_since
        self._looked_at = now
        operator_incidents.update(self._rule, troubles.troubles(self._bounds, now), self._watched_since, now)
        metrics.set_operator_incidents([each.type for each in operator_incidents.open_now(now)])
        self._announce(now, now_s)

    def _end_outage(self, before: int | None, answered_since: int, now: int) -> None:
        """Note the outage that is over. Whoever sent its beginning notes it, also if another process has the turn by
        now: nobody else knows of that message."""
        sent_since = self._outage.sent_since
        if sent_since is not None:
            operator_incidents.note_outage(self._rule, sent_since, answered_since, now, is_sent=True)
        elif before and answered_since - before > AFTER_US:
            operator_incidents.note_outage(self._rule, before, answered_since, now, is_sent=False)
        if self._outage.is_on:
            self._watched_since = None
        self._outage.end()

    def _announce(self, now: int, now_s: float) -> None:
        dues = operator_incidents.due(self._rule, now)
        operator_incidents.note([each for each in dues if each.step.type is None])
        for message_type, group in operator_incidents.grouped(dues).items():
            if self._outbox.put(message_type, self._rule.name, [each.incident for each in group], now, now_s):
                operator_incidents.note(group)
            looked_at = clock.now()
            if not self._turn.keep(looked_at):
                return
            self._looked_at = looked_at
