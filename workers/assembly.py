"""Puts the ticker and the probe actor together, for one process or for many."""

from collections.abc import Callable

from models.database.connection import connection
from models.operations.leader import Lead
from models.operations.ticker_row import record_delivered
from models.rules import clock
from runtime.settings import Settings
from workers.queue.actors import Actors
from workers.ticker.duties import broker_duties, duties, held_duties
from workers.ticker.listener_results import ListenerResults
from workers.ticker.pruner import Pruner
from workers.ticker.stager import Stager
from workers.ticker.ticker import Loop, Ticker


def make_ticker(settings: Settings, actors: Actors, lead: Lead, on_lead: Callable[[], None]) -> Ticker:
    stager = Stager(actors, int(settings.look_ahead_s * clock.SECOND), settings.queue_bound)
    pruner = Pruner(kept_us(settings), firings_kept_us=int(settings.keep_runs_days * clock.DAY))
    results = ListenerResults(settings.keep_response_bytes, int(settings.max_retry_after_s * clock.SECOND))
    return Ticker(stager, duties(stager, pruner, results), broker_duties(stager, actors), lead, on_lead)


def make_held_ticker(lead: Lead) -> Loop:
    """The ticker while BOOPER_HOLD is on: it publishes nothing and needs no broker."""
    return Loop(None, held_duties(), lead)


def kept_us(settings: Settings) -> dict[str, int]:
    """How long jobs of each final state are kept, in microseconds; those of an absent state are kept forever."""
    days = {
        "completed": settings.keep_completed_days,
        "discarded": settings.keep_discarded_days,
        "cancelled": settings.keep_cancelled_days,
    }
    return {state: int(kept * clock.DAY) for state, kept in days.items() if kept}


def probe(published_at: int) -> None:
    """The probe actor: everything published before this message has left the queue."""
    with connection():
        record_delivered(published_at)
