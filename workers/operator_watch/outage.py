"""Notifies the operator of an outage of the database while it lasts; what was sent is kept in memory.

Its end is sent from the rows, once the database answers again (`operator_incidents.note_outage`).
"""

from models.alerts.conditions import Rule
from models.alerts.messages import OPENED, REPEATED
from models.operations.operator_alerts import operator_incidents
from models.operations.operator_alerts.troubles import AFTER_US
from workers.operator_watch.sending import Outbox

MAX_REASON_CHARS = 200


class Outage:
    def __init__(self, rule: Rule, outbox: Outbox) -> None:
        self._rule, self._outbox = rule, outbox
        self._since: int | None = None  # None: it is not on
        self._sent_at: int | None = None

    def go_on(self, since: int, reason: str, now: int, now_s: float) -> None:
        """Send that the database has been away since then, once it has been for long enough, and again as often as the
        operator wants."""
        self._since = since
        repeat_us = self._rule.options.repeat_us
        is_due = now - since > AFTER_US if self._sent_at is None else repeat_us and now - self._sent_at >= repeat_us
        if not is_due:
            return
        incident = operator_incidents.outage(self._rule, since, " ".join(reason.split())[:MAX_REASON_CHARS])
        message_type = OPENED if self._sent_at is None else REPEATED
        if self._outbox.put(message_type, self._rule.name, [incident], now, now_s):
            self._sent_at = now

    @property
    def is_on(self) -> bool:
        return self._since is not None

    @property
    def sent_since(self) -> int | None:
        """Since when the outage has lasted whose beginning was sent from here; None: none was."""
        return None if self._sent_at is None else self._since

    def end(self) -> None:
        self._since = self._sent_at = None
