"""Operations on many jobs: the making of one, and the turns that end it, without a ticker."""

import json

from models.jobs.searches.job_filter import JobFilter
from models.operations import bulk, operation_store
from models.rules import clock

MANY = 50


def order_operation(account, action=bulk.CANCEL, at_most=None, kind="request", **members):
    """An operation on the account's jobs of this filter."""
    job_filter = JobFilter(kind, **members)
    return bulk.create(account.id, action, json.dumps(members), job_filter, at_most, clock.now())


def reread_operation(operation):
    return operation_store.find(operation.account_id, operation.uuid)


def turn_of(operation, rows=2):
    """One chunk; the operation as it is then."""
    bulk.take_turn(operation.id, rows, clock.now())
    return reread_operation(operation)


def work_off(operation, rows=2):
    """All chunks; the operation as it is then, and how many chunks it took."""
    for number in range(MANY):
        after = reread_operation(operation)
        if after.state != operation_store.RUNNING:
            return after, number
        bulk.take_turn(operation.id, rows, clock.now())
    raise AssertionError(f"the operation did not end within {MANY} turns: {after}")


def counts_of(operation):
    return operation.state, operation.done, operation.failed
