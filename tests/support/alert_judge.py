"""Says which incidents a history of failures and successes must have opened and closed, by its own computation.

It knows the rules as docs/api.md has them, not the code: a subject fails after so many failures in a row; what fails
because its host is down belongs to the host; an incident that opened three times within an hour flaps and closes after
ten calm minutes.
"""

HOUR, CALM = 3600 * 1_000_000, 600 * 1_000_000


class AlertJudge:
    """`saw` each step of the history in its order, then `incidents`: (cause, opened, closed or None)."""

    def __init__(self, after):
        self.after = after
        self.in_a_row = {}
        self.cause_of = {}
        self.open = {}
        self.over = []
        self.openings = {}

    def saw(self, at, outcomes):
        """`outcomes`: for each schedule None (it succeeded), or the cause of its failure."""
        for schedule, cause in outcomes.items():
            self.in_a_row[schedule] = 0 if cause is None else self.in_a_row.get(schedule, 0) + 1
            if cause is not None and self.in_a_row[schedule] >= self.after and schedule not in self.cause_of:
                self._begin(schedule, cause, at)
        for schedule, cause in outcomes.items():
            if cause is None and schedule in self.cause_of:
                self._end(self.cause_of.pop(schedule), at)
        self._close_calm(at)

    def incidents(self):
        still_open = [(cause, opened, None) for cause, (opened, _, _) in self.open.items()]
        return sorted([*self.over, *still_open], key=str)

    def _begin(self, schedule, cause, at):
        self.cause_of[schedule] = cause
        if cause in self.open:
            opened, flaps, _ = self.open[cause]
            self.open[cause] = opened, flaps, None
            return
        times = self.openings.setdefault(cause, [])
        flaps = len([each for each in times if each > at - HOUR]) >= 3
        times.append(at)
        self.open[cause] = at, flaps, None

    def _end(self, cause, at):
        if cause in self.cause_of.values():
            return
        opened, flaps, _ = self.open[cause]
        if flaps:
            self.open[cause] = opened, flaps, at + CALM
        else:
            del self.open[cause]
            self.over.append((cause, opened, at))

    def _close_calm(self, now):
        for cause, (opened, _, closes) in list(self.open.items()):
            if closes is not None and closes <= now:
                del self.open[cause]
                self.over.append((cause, opened, closes))
