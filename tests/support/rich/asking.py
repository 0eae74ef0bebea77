"""Short ways to name rows in actions, and to show what came of them."""

from functools import partial

from models.database.sql import any_of, fetch
from models.database.transactions import transaction
from models.jobs.lifecycle import CLAIMED, ClaimedJob
from tests.support.rich.names import ACCOUNT, JOB

ALICE, BOB, CAROL = ACCOUNT.values()


def of_each(title, function, names):
    """An action for each of the names."""
    return {f"{title} {name}": partial(function, name) for name in names.split()}


def inside(actions, *names):
    """The actions; those with these names run inside a transaction, as their callers have one."""
    return {name: partial(_together, action) if name in names else action for name, action in actions.items()}


def _together(action):
    with transaction():
        return action()


def numbers(names):
    return [JOB[name] for name in names.split()]


def held(names):
    """The claims on these jobs, in their order."""
    these, params = any_of("job.id", numbers(names))
    jobs = {row[0]: ClaimedJob(*row) for row in fetch(f"SELECT {CLAIMED} FROM job WHERE {these}", (params,))}
    return [
        job._replace(uuid=str(job.uuid), schedule_id=job.schedule_id and str(job.schedule_id))
        for job in map(jobs.get, numbers(names))
    ]


def ids(rows):
    """The integers alone, ascending."""
    return sorted(row.id for row in rows)


def in_any_order(rows):
    """The rows in an order of ours: a database returns what it changed in its own."""
    return sorted(rows)


def in_turn(*steps):
    """What each of the steps returned."""
    return [step() for step in steps]
