"""Declares the states of a job and the transitions between them, as data and as SQL.

`TRANSITIONS` is what runs: `models/jobs/lifecycle.py` takes the guard (`LEAVES`) and the assignment
(`ENTERS`) of each UPDATE from it.
The SQL names the states as literals, since a partial index fits no parameter.
"""

from collections.abc import Iterable

WAITING = ("available", "scheduled", "retryable")
NOT_BEGUN = ("available", "scheduled")  # no attempt that counts, or it was given back or taken back
LATER = ("scheduled", "retryable")  # those whose time may lie ahead
AT_ONCE = ("available",)  # the other that waits: it is due since it was made or given back
LIVE = (*WAITING, "executing")
FINAL = ("completed", "discarded", "cancelled")
STATES = ("available", "scheduled", "executing", "retryable", *FINAL)

TRANSITIONS: dict[str, tuple[tuple[str, ...], str | None]] = {
    # Each verb has the states that it leaves and the state that it enters. None: stage, change and hasten leave the
    # state as it is, and prune deletes the row.
    "stage": (WAITING, None),
    "change": (NOT_BEGUN, None),
    "reschedule": (NOT_BEGUN, "scheduled"),
    "hasten": (("retryable",), None),
    "claim": (WAITING, "executing"),
    "complete": (("executing",), "completed"),
    "retry": (("executing",), "retryable"),
    "discard": (("executing",), "discarded"),
    "release": (("executing",), "available"),
    "cancel": (LIVE, "cancelled"),
    "rescue": (("executing",), "available"),
    "discard_lost": (("executing",), "discarded"),
    "prune": (FINAL, None),
}


def in_states(states: Iterable[str], table: str = "") -> str:
    """The condition that a job is in one of the states."""
    column, names = f"{table}.state" if table else "state", [f"'{state}'" for state in states]
    return f"{column} = {names[0]}" if len(names) == 1 else f"{column} IN ({', '.join(names)})"


LEAVES = {verb: in_states(left) for verb, (left, _) in TRANSITIONS.items()}  # the guard of each transition
ENTERS = {verb: f"state = '{state}'" for verb, (_, state) in TRANSITIONS.items() if state}  # the assignment of each
WAITING_SQL = in_states(WAITING)  # as the indexes job_unstaged and job_start_by spell it
LATER_SQL = in_states(LATER)  # as the index job_account_due spells it
UNDER_WAY_SQL = "lease_until IS NOT NULL"  # also of a job cancelled under way; as the index job_under_way spells it
LIVE_SQL = in_states(LIVE)  # as the index job_of_schedule spells it
