"""Lists the duties of the leading ticker: every how many seconds, what is called, and what it is for."""

from models.alerts import message_order, polling
from models.flows import counts, forgetting, minutes, parking
from models.operations import address_changes, heartbeats, operation_store, ticker_row
from models.schedules.backfills import backfill_store, backfill_turns
from models.webhooks import event_order
from runtime import metrics
from workers.queue.actors import Actors
from workers.ticker import acknowledger, alerting, listener_results, planner
from workers.ticker.bulk_turns import BulkTurns
from workers.ticker.calendar_turns import CalendarTurns
from workers.ticker.duty import Duty
from workers.ticker.lease_clock import LeaseClock
from workers.ticker.listener_results import ListenerResults
from workers.ticker.pruner import Pruner
from workers.ticker.rescuer import Rescuer
from workers.ticker.stager import Stager

PLAN_EVERY_S = 0.05
PROBE_EVERY_S = 5.0  # of /readyz, which looks when the latest one arrived
COUNTED = 10_000
BACKFILLS_AT_ONCE = 50
CALENDARS_EVERY_S = 0.25
MOVE_SCHEDULES = "move the schedules of changed calendars"


def duties(stager: Stager, pruner: Pruner, results: ListenerResults) -> list[Duty]:
    """What needs the database alone, in the order of a round."""
    leases, rescuer, operations = LeaseClock(), Rescuer(), BulkTurns()

    def rescue(_now: int) -> None:
        if rescuer.rescue_lost(*leases.read()):
            stager.look_everywhere()

    return [
        Duty(1.0, record_sign_of_life, "show that a ticker works"),
        Duty(1.0, planner.expire, "cancel jobs of schedules that can begin no more"),
        Duty(PLAN_EVERY_S, planner.plan_due, "create the next jobs of schedules"),
        Duty(0.25, make_up, "make up for past instants of schedules"),
        Duty(CALENDARS_EVERY_S, CalendarTurns().take_turn, MOVE_SCHEDULES),
        Duty(0.25, acknowledger.end_acknowledged, "end attempts that their targets have acknowledged"),
        Duty(0.2, results.end, "end attempts that listeners have answered, or had no time left for"),
        Duty(1.0, rescue, "take back jobs whose worker fell silent, end those that were not acknowledged"),
        Duty(0.5, alerting.alert, "open and close incidents, and notify people of them"),
        Duty(10.0, polling.poll, "look for long requests and gates that hold jobs back"),
        Duty(60.0, polling.poll_silence, "look for silent schedules"),
        Duty(5.0, event_order.release_left_over_events, "release events that no recorder released"),
        Duty(5.0, message_order.release_next_messages, "release messages about incidents whose turn it is"),
        Duty(0.5, address_changes.follow_endpoints, "let events follow that wait for a changed endpoint"),
        Duty(5.0, lambda _now: metrics.set_parked(counts.parked(COUNTED)), "count the jobs that wait at gates"),
        Duty(60.0, measure_parked_age, "measure how long jobs wait at gates"),
        Duty(60.0, forgetting.forget, "forget gates that nobody uses"),
        Duty(60.0, minutes.forget, "forget old counts of flows"),
        Duty(2.0, parking.wake_forgotten, "look at gates that nobody woke"),
        Duty(0.0, operations.work_off, "work off operations on many jobs"),  # at its own pace, as are the next two
        Duty(0.0, pruner.prune_jobs, "delete final jobs"),
        Duty(0.0, pruner.prune_responses, "delete responses kept for repeated requests"),
        Duty(1.0, pruner.prune_acks, "delete acknowledgements"),
        Duty(1.0, pruner.prune_windows, "delete windows within which orders count once"),
        Duty(1.0, pruner.prune_firings, "delete firings"),
        Duty(1.0, pruner.prune_incidents, "delete incidents that closed long ago"),
        Duty(1.0, pruner.prune_sessions, "delete ended sessions"),
        Duty(60.0, listener_results.prune, "delete ended requests of listeners, and listeners long away"),
        Duty(60.0, backfill_store.prune, "delete backfills that ended long ago"),
        Duty(60.0, operation_store.prune, "delete operations that ended long ago"),
        Duty(60.0, heartbeats.prune, "delete heartbeats and minutes long past"),
        Duty(5.0, lambda now: measure_backlog(stager, now), "measure the backlog"),
    ]


def make_up(now: int) -> None:
    """Let backfills go on."""
    backfill_turns.take_turns(now, BACKFILLS_AT_ONCE)


def held_duties() -> list[Duty]:
    """What goes on while BOOPER_HOLD is on: nothing that sends a request, or changes what its owner did not ask for."""
    return [
        Duty(1.0, record_sign_of_life, "show that a ticker works"),
        Duty(0.0, BulkTurns().work_off, "work off operations on many jobs"),
        Duty(CALENDARS_EVERY_S, CalendarTurns().take_turn, MOVE_SCHEDULES),
    ]


def broker_duties(stager: Stager, actors: Actors) -> list[Duty]:
    """What needs the broker too, in the order of a round. Staging is not among them: it ends every round."""
    return [
        Duty(2.0, stager.find_lost, "stage jobs again whose message was lost"),
        Duty(PROBE_EVERY_S, actors.send_probe, "show that messages reach a worker"),
        Duty(5.0, lambda _now: actors.keep_alive(), "keep the connection to the broker"),
        Duty(5.0, lambda now: heartbeats.record_depths(actors.depths(now)), "measure the queues"),
    ]


def record_sign_of_life(now: int) -> None:
    """Show `/readyz`, the standbys and the operator that the ticker works."""
    ticker_row.record_seen(now)
    metrics.set_ticker_alive(now)


def measure_backlog(stager: Stager, now: int) -> None:
    """Show the operator how much is due and unclaimed, as far as it is cheap to count."""
    metrics.set_backlog(*stager.backlog(now, COUNTED))


def measure_parked_age(now: int) -> None:
    """Show the operator how long a key has held back a job."""
    oldest_at = counts.oldest_parked_at()
    metrics.set_parked_age(0 if oldest_at is None else now - oldest_at)
