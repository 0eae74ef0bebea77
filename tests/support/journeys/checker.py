"""The invariants of a journey, each a pure function: History in, sentences about what was broken out.

Owns the judgement and nothing else: no socket, no file, no clock. An empty list means that the invariant
held. Sentences name the nonce, what was seen and what was owed: one line of a failing test is a start.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from tests.support.journeys.ledger import Arrival, Created, Ended, History

FINAL = frozenset({"completed", "discarded", "cancelled"})
SECOND = 1_000_000
CLOCK_ERROR_US = 1_000
RETRY_BASE_SECONDS = 15
RETRY_JITTER = 0.10


def no_loss(history: History) -> list[str]:
    """I1: every job answered 201 is there at the end, once, in one final state."""
    seen = Counter(job.nonce for job in history.recorded)
    lost = [
        f"{c.nonce}: created, and the API shows {seen[c.nonce]} of it"
        for c in _originals(history)
        if seen[c.nonce] != 1
    ]
    open_ = [f"{job.nonce}: ended as {job.state}" for job in history.recorded if job.state not in FINAL]
    return lost + open_


def performed(history: History) -> list[str]:
    """I2: every job that was not cancelled arrived at least once, and nothing arrived that nobody created."""
    arrived = {a.nonce for a in history.arrivals}
    spared = {job.nonce for job in history.recorded if job.state == "cancelled"}
    wanted = {c.nonce for c in history.created if c.outcome != "fail"}
    missing = [f"{c.nonce}: created, never arrived" for c in _originals(history) if c.nonce not in arrived | spared]
    return missing + [f"{nonce}: arrived, never created" for nonce in sorted(arrived - wanted, key=str)]


def never_early(history: History) -> list[str]:
    """I3: no arrival before the instant asked for, and no attempt recorded before it. No tolerance."""
    due = {c.nonce: c.due_at for c in history.created}
    arrivals = [
        f"{a.nonce}: arrived {due[a.nonce] - a.at} us early"
        for a in history.arrivals
        if a.nonce in due and a.at < due[a.nonce]
    ]
    records = [
        f"{job.nonce}: attempted_at is {due[job.nonce] - job.attempted_at} us before it was due"
        for job in history.recorded
        if job.attempted_at and job.nonce in due and job.attempted_at < due[job.nonce]
    ]
    return arrivals + records


def lateness_us(history: History) -> dict[str, int]:
    """I4: p50, p99, p99.9 and max of (first arrival - due) of the jobs created before they were due."""
    first: dict[str | None, int] = {}
    for arrival in history.arrivals:
        first[arrival.nonce] = min(arrival.at, first.get(arrival.nonce, arrival.at))
    return percentiles(
        first[c.nonce] - c.due_at for c in history.created if c.nonce in first and c.returned_at <= c.due_at
    )


def percentiles(values: Iterable[int]) -> dict[str, int]:
    """p50, p99, p99.9 and max by the nearest rank; empty for no values."""
    ordered = sorted(values)
    ranks = {"p50": 500, "p99": 990, "p99.9": 999, "max": 1000}
    return {name: ordered[-(-len(ordered) * rank // 1000) - 1] for name, rank in ranks.items()} if ordered else {}


def too_late(history: History, p99_us: int, max_us: int) -> list[str]:
    """I4 against two bounds."""
    seen = lateness_us(history)
    bounds = {"p99": p99_us, "max": max_us}
    return [
        f"lateness {name} is {seen[name]} us, must be at most {bound} us"
        for name, bound in bounds.items()
        if seen and seen[name] > bound
    ]


def duplicates(history: History, allowed: int = 0) -> list[str]:
    """I5: no attempt arrived twice and no job again after a whole 2xx, but for `allowed` (requests in flight
    at a kill)."""
    extra = _same_attempt_again(history) + _again_after_success(history)
    return extra if len(extra) > allowed else []


def _same_attempt_again(history: History) -> list[str]:
    counts = Counter((a.nonce, a.attempt) for a in history.arrivals if a.attempt is not None)
    return [
        f"{nonce}: attempt {attempt} arrived {count} times"
        for (nonce, attempt), count in counts.items()
        for _ in range(count - 1)
    ]


def _again_after_success(history: History) -> list[str]:
    done: dict[str | None, int] = {}
    for end in history.ends:
        if _success(end):
            done[end.nonce] = min(end.at, done.get(end.nonce, end.at))
    repeated = Counter((a.nonce, a.attempt) for a in history.arrivals)
    return [
        f"{a.nonce}: attempt {a.attempt} arrived after its 2xx"
        for a in history.arrivals
        if a.at > done.get(a.nonce, a.at) and (a.attempt is None or repeated[a.nonce, a.attempt] == 1)
    ]


def attempts_rise(history: History) -> list[str]:
    """I5, second half: the attempts of a job arrive under rising numbers, from 1."""
    broken = []
    for nonce, arrivals in _arrivals_by_nonce(history).items():
        numbers = [a.attempt for a in arrivals if a.attempt is not None]
        if numbers != sorted(numbers) or (numbers and numbers[0] < 1):
            broken.append(f"{nonce}: attempts arrived as {numbers}")
    return broken


def cancels_hold(history: History) -> list[str]:
    """I6: nothing arrives after a cancel was answered `cancelled`; one that came too late changes nothing.

    For jobs cancelled while they wait: the request of one that is executing may be on its way already.
    """
    arrivals = _arrivals_by_nonce(history)
    states = {job.nonce: job.state for job in history.recorded}
    broken = [
        f"{c.nonce}: arrived {a.at - c.returned_at} us after its cancel was answered"
        for c in history.cancelled
        if c.state == "cancelled"
        for a in arrivals[c.nonce]
        if a.at > c.returned_at
    ]
    return broken + [
        f"{c.nonce}: its cancel was answered {c.state}, the job ended as {states.get(c.nonce)}"
        for c in history.cancelled
        if c.state in FINAL and states.get(c.nonce) != c.state
    ]


def idempotent(history: History) -> list[str]:
    """I8: the creates of one idempotency key were answered with one job, and at most one nonce arrived."""
    ids, nonces = defaultdict(set), defaultdict(set)
    key_of = {c.nonce: c.key for c in history.created if c.key}
    for create in history.created:
        if create.key and create.outcome == "ok":
            ids[create.key].add(create.job_id)
    for arrival in history.arrivals:
        if arrival.nonce in key_of:
            nonces[key_of[arrival.nonce]].add(arrival.nonce)
    return [f"key {key}: answered {len(jobs)} jobs" for key, jobs in ids.items() if len(jobs) > 1] + [
        f"key {key}: {len(arrived)} of its creates arrived" for key, arrived in nonces.items() if len(arrived) > 1
    ]


def truthful(history: History, allowed: int = 0) -> list[str]:
    """I9: completed means that a whole 2xx left the receiver; discarded, that the last attempt got none.

    `allowed` discards may be wrong (a crash between the answer and its recording).
    """
    good = {(end.nonce, end.attempt) for end in history.ends if _success(end)}
    good_nonces = {nonce for nonce, _ in good}
    last = {nonce: arrivals[-1] for nonce, arrivals in _arrivals_by_nonce(history).items()}
    wrong = [
        f"{job.nonce}: completed, and the receiver never sent a 2xx"
        for job in history.recorded
        if job.state == "completed" and job.nonce not in good_nonces
    ]
    crashed = [
        f"{job.nonce}: discarded, and its last attempt got a 2xx"
        for job in history.recorded
        if job.state == "discarded" and job.nonce in last and (job.nonce, last[job.nonce].attempt) in good
    ]
    return wrong + (crashed if len(crashed) > allowed else []) + _impossible_stamps(history, last)


def _impossible_stamps(history: History, last: dict[str | None, Arrival]) -> list[str]:
    late = [
        f"{job.nonce}: attempted_at is {job.attempted_at - last[job.nonce].at} us after its last arrival"
        for job in history.recorded
        if job.state == "completed"
        and job.attempted_at
        and job.nonce in last
        and job.attempted_at > last[job.nonce].at + CLOCK_ERROR_US
    ]
    missing = [
        f"{job.nonce}: {job.state} without {job.state}_at"
        for job in history.recorded
        if job.state in FINAL and getattr(job, f"{job.state}_at") is None
    ]
    return late + missing


def retry_law(history: History, slack_us: int, max_attempts: int = 20) -> list[str]:
    """I10: after attempt n fails the next comes 15 + 2^n seconds later, plus up to 10 %, plus `slack_us`."""
    ended = {(end.nonce, end.attempt): end.at for end in history.ends}
    broken = []
    for nonce, arrivals in _arrivals_by_nonce(history).items():
        if len(arrivals) > max_attempts:
            broken.append(f"{nonce}: arrived {len(arrivals)} times, at most {max_attempts} attempts are allowed")
        for number, (before, after) in enumerate(pairwise(arrivals), start=1):
            least, most = retry_window_us(before.attempt or number)
            gap = after.at - ended.get((nonce, before.attempt), before.at)
            if not least <= gap <= most + slack_us:
                broken.append(
                    f"{nonce}: attempt {before.attempt} was followed after {gap} us, must be {least} to {most} us"
                )
    return broken


def retry_window_us(attempt: int) -> tuple[int, int]:
    """The least and the most time between the end of failed attempt n and the start of the next."""
    seconds = RETRY_BASE_SECONDS + 2**attempt
    return seconds * SECOND, int(seconds * SECOND * (1 + RETRY_JITTER))


def check(history: History, allowed_duplicates: int = 0) -> list[str]:
    """Every invariant that holds for any journey without a bound on time: I1, I2, I3, I5, I6, I8, I9."""
    return [
        *no_loss(history),
        *performed(history),
        *never_early(history),
        *duplicates(history, allowed_duplicates),
        *attempts_rise(history),
        *cancels_hold(history),
        *idempotent(history),
        *truthful(history, allowed_duplicates),
    ]


def _originals(history: History) -> list[Created]:
    """The creates answered ok, one for each job. Of those that share a key the one that made the job: it was seen."""
    seen = {job.nonce for job in history.recorded} | {a.nonce for a in history.arrivals}
    first: dict[str, Created] = {}
    for create in sorted(history.created, key=lambda c: c.nonce not in seen):
        if create.outcome == "ok":
            first.setdefault(f"key {create.key}" if create.key else f"nonce {create.nonce}", create)
    return list(first.values())


def _arrivals_by_nonce(history: History) -> defaultdict[str | None, list[Arrival]]:
    grouped: defaultdict[str | None, list[Arrival]] = defaultdict(list)
    for arrival in sorted(history.arrivals, key=lambda a: a.at):
        grouped[arrival.nonce].append(arrival)
    return grouped


def _success(end: Ended) -> bool:
    return end.whole and 200 <= end.status_code < 300
