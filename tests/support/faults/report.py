"""What each fault cost, in one line: collected while the tests go, printed at the end of the session."""

from tests.support.journeys import checker
from tests.support.journeys.ledger import History

lines: list[str] = []


def note(name: str, history: History, **counts: object) -> None:
    """Keep the figures of one history."""
    outcomes = [create.outcome for create in history.created]
    final = [job.state for job in history.recorded]
    figures = {
        "ordered": len(outcomes),
        "unknown": outcomes.count("unknown"),
        "arrived": len(history.arrivals),
        "completed": final.count("completed"),
        "discarded": final.count("discarded"),
        "extra": extra(history),
        "late_max_ms": checker.lateness_us(history).get("max", 0) // 1000,
        **counts,
    }
    lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))


def extra(history: History) -> int:
    """Arrivals beyond the first of each job."""
    return len(history.arrivals) - len({arrival.nonce for arrival in history.arrivals})
