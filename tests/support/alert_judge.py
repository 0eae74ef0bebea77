"""Says which incidents a history must have opened and closed and what must have been sent, by its own computation.

It knows the rules as docs/api.md has them, not the code. It is told what happened to schedules (`saw`), when somebody
looked (`looked`, `polled`) and what the owner did (`mute`, `acknowledge`), in their order.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
CALM, GATHERED = 10 * MINUTE, 2 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class JudgedRule:
    """A rule in the words of the API; `covers`: the schedules in its scope. `quiet`: (from, to, zone) in minutes."""

    name: str
    on: tuple
    covers: frozenset
    after: int = 1
    share: float | None = None
    within: int = HOUR
    at_least: int = 5
    late_after: int = 5 * MINUTE
    silent_after: int = 25 * HOUR
    repeat: int | None = None
    quiet: tuple | None = None
    muted_until: int = 0


@dataclass
class JudgedIncident:
    rule: JudgedRule
    type: str
    subject: str
    opened: int
    noticed: int
    flaps: bool
    holders: set = field(default_factory=set)
    calm_at: int | None = None
    closed: int | None = None
    acknowledged: bool = False
    begin_sent: int | None = None
    over: bool = False  # nothing more is to be sent
    repeat_at: int | None = None


class AlertJudge:
    """`incidents` and `messages` say what must be there after all that it was told of."""

    def __init__(self, rules, schedules, now):
        self.rules, self.all, self.live, self.sent = rules, [], [], []
        self.holding, self.latest, self.times = {}, {}, {}
        self.in_a_row = dict.fromkeys(schedules, 0)
        self.succeeded = dict.fromkeys(schedules, now)
        self.disabled, self.ends = set(), {}

    def saw(self, at, schedule, what, cause=None, lateness=0):
        """`what`: begun, missed, failed, succeeded or disabled. `cause`: what a failure belongs to."""
        self._remember(at, schedule, what)
        for rule in self.rules:
            if schedule not in rule.covers:
                continue
            for condition in self._begun(rule, schedule, what, lateness, at):
                self._begin(rule, condition, schedule, cause or f"schedule:{schedule}", at, at)
            for condition in self._ended(rule, schedule, what, lateness, at):
                self._end(rule, condition, schedule, at)

    def _remember(self, at, schedule, what):
        if what in ("failed", "succeeded"):
            self.ends.setdefault(schedule, []).append((at, what))
        if what == "failed":
            self.in_a_row[schedule] += 1
        if what == "succeeded":
            self.in_a_row[schedule], self.succeeded[schedule] = 0, at
        if what == "disabled":
            self.disabled.add(schedule)

    def looked(self, now):
        """Somebody closes what has been calm, and sends what is due."""
        for incident in self.live:
            if incident.calm_at is not None and incident.calm_at <= now:
                incident.closed, incident.calm_at = incident.calm_at, None
            self._send(incident, now)
        self.live = [each for each in self.live if not each.over]

    def polled(self, now):
        """Somebody looks for silent schedules."""
        for rule in self.rules:
            if "silent" not in rule.on:
                continue
            for schedule in rule.covers:
                since = self.succeeded[schedule] + rule.silent_after
                if schedule in self.disabled:
                    self._end(rule, "silent", schedule, now)
                elif since <= now:
                    self._begin(rule, "silent", schedule, f"schedule:{schedule}", since, now)

    def mute(self, name, until):
        next(rule for rule in self.rules if rule.name == name).muted_until = until

    def open(self):
        return [incident for incident in self.live if incident.closed is None]

    def incidents(self):
        return Counter((each.rule.name, each.type, each.subject, each.opened, each.closed) for each in self.all)

    def messages(self):
        """(rule, what of it is sent, condition, subject, when it opened, when it is sent)."""
        return Counter(self.sent)

    def _is_bad(self, rule, schedule, at):
        if rule.share is None:
            return self.in_a_row[schedule] >= rule.after
        ends = [what for ended, what in takewhile(lambda end: end[0] > at - rule.within, reversed(self.ends[schedule]))]
        return len(ends) >= rule.at_least and ends.count("failed") / len(ends) >= rule.share

    def _begun(self, rule, schedule, what, lateness, at):
        fails = what == "disabled" or what == "failed" and self._is_bad(rule, schedule, at)
        is_late = what == "begun" and lateness > rule.late_after
        begun = {"failed": fails, "missed": what == "missed", "late": is_late}
        return [condition for condition, holds in begun.items() if holds and condition in rule.on]

    def _ended(self, rule, schedule, what, lateness, at):
        if what == "succeeded" and self._is_bad(rule, schedule, at):
            return ["silent"]
        if what == "succeeded":
            return ["failed", "silent"]
        if what == "begun":
            return ["missed"] if lateness > rule.late_after else ["missed", "late"]
        return []

    def _begin(self, rule, condition, schedule, subject, at, now):
        if (rule.name, condition, schedule) in self.holding:
            return
        key = (rule.name, condition, subject)
        incident = self.latest.get(key)
        if incident is None or incident.closed is not None:
            times = self.times.setdefault(key, [])
            flaps = len([each for each in times if each > at - HOUR]) >= 3
            times.append(at)
            incident = self.latest[key] = JudgedIncident(rule, condition, subject, at, now, flaps)
            self.all.append(incident)
            self.live.append(incident)
        incident.holders.add(schedule)
        incident.calm_at = None
        self.holding[rule.name, condition, schedule] = incident

    def _end(self, rule, condition, schedule, at):
        incident = self.holding.pop((rule.name, condition, schedule), None)
        if incident is None:
            return
        incident.holders.remove(schedule)
        if not incident.holders and incident.flaps:
            incident.calm_at = at + CALM
        elif not incident.holders:
            incident.closed = at

    def _send(self, incident, now):
        if incident.over:
            return
        if incident.rule.muted_until > now:
            incident.over = incident.begin_sent is None and incident.closed is not None
            return
        if is_quiet(incident.rule.quiet, now):
            return
        if incident.begin_sent is None:
            if incident.closed is None and now < incident.noticed + GATHERED:
                return
            self._say(incident, "opened", now)
            incident.begin_sent = now
        elif incident.closed is None and incident.repeat_at is not None and incident.repeat_at <= now:
            if not incident.acknowledged:
                self._say(incident, "repeated", now)
        else:
            self._close(incident, now)
            return
        incident.repeat_at = None if incident.rule.repeat is None else now + incident.rule.repeat
        self._close(incident, now)

    def _close(self, incident, now):
        if incident.closed is not None:
            incident.over = True
            if "recovered" in incident.rule.on:
                self._say(incident, "closed", now)

    def _say(self, incident, what, now):
        self.sent.append((incident.rule.name, what, incident.type, incident.subject, incident.opened, now))


def is_quiet(quiet, now):
    """Whether the clock on the wall of the zone shows a time in the quiet hours."""
    if quiet is None:
        return False
    start, end, zone = quiet
    wall = (EPOCH + timedelta(microseconds=now)).astimezone(ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def differences(must_be, is_there):
    """What is missing, and what is there too often or should not be, in words."""
    missing = [f"missing: {each}" for each in (must_be - is_there).elements()]
    surplus = [f"too much: {each}" for each in (is_there - must_be).elements()]
    return sorted([*missing, *surplus])
