"""Makes room at gates when an attempt or a job has ended.

Called after the commit that ended them: a claim holds its gates while it takes jobs, so whoever holds jobs must not
wait for a gate. A crash between commit and call costs a delay of two seconds: the ticker finds gates that nobody woke.
"""

import logging
from collections.abc import Collection, Iterable
from typing import Protocol

from models.database.connection import Unreachable
from models.flows import gates, parking
from models.rules import clock

log = logging.getLogger("booper.flows")


class Passed(Protocol):
    """A job with its gates."""

    @property
    def flow_id(self) -> int | None: ...

    @property
    def lane_id(self) -> int | None: ...


def make_room(jobs: Iterable[Passed]) -> None:
    """Let the next jobs of these jobs' flows and lanes be looked at. Raises nothing."""
    ids = {gate_id for job in jobs for gate_id in (job.flow_id, job.lane_id) if gate_id is not None}
    if not ids:
        return
    try:
        gates.wake(ids, clock.now(), gates.ENDS_MAKE_ROOM)
    except Unreachable as error:
        log.warning("database gone (%s): the ticker looks at %d gates later", error, len(ids))


def look_again(gate_ids: Collection[int]) -> None:
    """Wake those of the gates that have room, after the commit of a claim that parked jobs there: what made room
    meanwhile did not see them wait. Raises nothing."""
    try:
        parking.wake_overlooked(gate_ids, clock.now())
    except Unreachable as error:
        log.warning("database gone (%s): the ticker looks at %d gates later", error, len(gate_ids))
