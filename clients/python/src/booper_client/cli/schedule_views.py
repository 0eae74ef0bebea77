"""How schedules, their runs and previews are printed."""

from typing import Any

from booper_client.cli.output import Output
from booper_client.models.schedules import Run, Schedule

COLUMNS = ("KEY", "STATE", "NEXT", "FREQUENCY", "TARGET", "NAME", "ID")
EXPAND = "health,key"


def state(schedule: Schedule) -> str:
    if schedule.health:
        return schedule.health.state
    return "enabled" if schedule.enabled else "disabled"


def target(schedule: Schedule) -> str:
    method = str(schedule.args.get("method") or "get").upper()
    return f"{method} {schedule.args.get('url') or 'group ' + str(schedule.args.get('group'))}"


def frequency(schedule: Schedule) -> str:
    """`every 5 minutes`, or the cron expression with its zone."""
    parts = schedule.frequency
    if cron := parts.get("cron"):
        return " ".join(filter(None, (cron, parts.get("timezone"))))
    every = parts.get("repeat_every")
    if isinstance(every, list):
        return f"every {' '.join(map(str, every))}"
    return f"every {every} seconds" if isinstance(every, (int, float)) else f"every {every}"


def cells(schedule: Schedule) -> tuple[Any, ...]:
    next_at = schedule.health.next_at if schedule.health else None
    return (
        *(schedule.key, state(schedule), next_at, frequency(schedule)),
        *(target(schedule), schedule.name, schedule.id),
    )


def show(output: Output, schedule: Schedule) -> None:
    health = schedule.health
    pairs: list[tuple[str, Any]] = [
        ("key", schedule.key),
        ("id", schedule.id),
        ("state", state(schedule)),
        ("name", schedule.name),
        ("description", schedule.description),
        ("frequency", frequency(schedule)),
        ("request", target(schedule)),
        ("body", schedule.args.get("body")),
        ("created", schedule.inserted_at),
        ("disabled", schedule.disabled_at),
    ]
    if health:
        pairs += [("next", health.next_at), ("failures in a row", health.failures_in_a_row)]
        if health.last_result:
            pairs += [("last run", health.last_result.fire_at), ("last result", health.last_result.state)]
    output.item(schedule, pairs)


def run_cells(run: Run) -> tuple[Any, ...]:
    return (run.fire_at, run.status, run.job_id, run.lateness_ms, run.count)
