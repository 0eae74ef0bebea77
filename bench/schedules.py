"""Measures planning: schedules due at one second, until the next job of each is made; beside few and many idle ones."""

from collections.abc import Iterator

from bench.figures import Figures, ratio
from bench.session import SECOND, WEEK, Session, await_recorded
from bench.targets import Target
from tests.support.journeys.client import now_us
from tests.support.journeys.ledger import timestamp
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

FEW = 100


def rounds(session: Session) -> Iterator[Figures]:
    due, many, lead_seconds = session.size(1000, 100), session.size(100_000, 2_000), session.size(10, 3)
    session.notes["schedules"] = f"{due} schedules due at one second, beside {FEW} and {many} idle ones"
    for _ in session.each_round("schedules"):
        few_s, few_wrong = planned(session, due, FEW, lead_seconds)
        many_s, many_wrong = planned(session, due, many, lead_seconds)
        yield {
            "until all are planned, s": few_s,
            "the same beside many idle, s": many_s,
            "many / few": ratio(many_s, few_s),
            "instants not fired once": float(few_wrong + many_wrong),
        }


def planned(session: Session, due: int, idle: int, lead_seconds: int) -> tuple[float, int]:
    """Seconds from the instant until the last next job was made, and how many instants did not fire exactly once."""
    with session.production(BOOPER_MAX_SCHEDULES="1000000") as product, Target() as target:
        add_idle(product, target.port, idle)
        due_at = (now_us() // SECOND + lead_seconds + due // 20) * SECOND
        for number in range(due):
            order(product, target.port, due_at, str(number))
        assert now_us() < due_at, "the schedules must be made before they are due"
        await_recorded(product, due, 60)
        wait_until(lambda: count(product, "job WHERE fire_at > %s", due_at) >= due + idle, 60, "the next jobs")
        ((last_at,),) = product.sql("SELECT max(inserted_at) FROM job WHERE fire_at = %s", (due_at + 3600 * SECOND,))
        fired = count(product, "firing WHERE status = 'fired' AND fire_at = %s", due_at)
        attempts = count(product, "attempt JOIN job ON job.id = attempt.job_id WHERE fire_at = %s", due_at)
    return (last_at - due_at) / SECOND, abs(due - fired) + abs(due - attempts)


def order(product: Production, port: int, due_at: int, name: str) -> None:
    fields = {"url": f"http://127.0.0.1:{port}/ok", "method": "post", "name": name, "repeat_every": 3600}
    client = product.client()
    status, answer = client.ask("POST", "/api/schedules", fields | {"scheduled_at": timestamp(due_at)})
    assert status == 201, answer


def add_idle(product: Production, port: int, idle: int) -> None:
    """Add copies of a schedule that is due in a week, each with its waiting job."""
    order(product, port, now_us() + WEEK, "idle")
    columns = [
        row[0]
        for row in product.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'schedule' AND column_name <> 'id'"
        )
    ]
    names = ", ".join(columns)
    product.sql(
        f"INSERT INTO schedule (id, {names}) SELECT gen_random_uuid(), {names} FROM schedule, generate_series(2, %s)",
        (idle,),
    )
    kept = [
        row[0]
        for row in product.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'job'")
        if row[0] not in ("id", "uuid", "schedule_id")
    ]
    names = ", ".join(kept)
    product.sql(
        f"INSERT INTO job (uuid, schedule_id, {names}) SELECT gen_random_uuid(), schedule.id, "
        f"{', '.join(f'job.{name}' for name in kept)} FROM job, schedule WHERE schedule.id <> job.schedule_id"
    )
    product.sql("ANALYZE job")
    product.sql("ANALYZE schedule")


def count(product: Production, what: str, *parameters: int) -> int:
    return int(product.sql(f"SELECT count(*) FROM {what}", parameters)[0][0])
