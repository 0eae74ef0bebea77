"""Says why a schedule or a backfill is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.context import settings
from api.requests.fields import shown
from api.responses.responses import ApiError, invalid
from models.schedules.backfills import backfill_store
from models.schedules.calendars.calendar_store import NoCalendar
from models.schedules.schedule_changes import NoInstant, NotComputable, TooMany


def no_instant() -> ApiError:
    """422: the bounds of a new schedule leave it nothing to do."""
    return invalid({"until": ["must leave the schedule at least one instant; these bounds leave none"]})


def too_many() -> ApiError:
    """422: the account has as many enabled schedules as it may have."""
    limit = settings().max_schedules
    return invalid({"": [f"must be one of at most {limit} enabled schedules of an account, got one more"]})


@contextmanager
def refusals() -> Iterator[None]:
    """Answers 422 for a schedule that its account or its bounds do not allow."""
    try:
        yield
    except NoInstant:
        raise no_instant() from None
    except TooMany:
        raise too_many() from None
    except NoCalendar as error:
        message = f"must be names of calendars of this account, got {shown(error.name)}"
        raise invalid({"exclude.calendars": [message]}) from None


@contextmanager
def backfill_refusals() -> Iterator[None]:
    """Answers 422 or 409 for a range that can't be made up for."""
    try:
        yield
    except backfill_store.NoInstant:
        raise invalid({"from": ["must leave a range with an instant of the schedule, got one without any"]}) from None
    except backfill_store.TooMany:
        most = backfill_store.MAX_INSTANTS
        raise invalid({"to": [f"must leave a range of at most {most} instants of the schedule, got more"]}) from None
    except backfill_store.IsRunning as error:
        raise ApiError(409, f"The backfill {error} of this schedule is running; wait for it or cancel it.") from None
    except NotComputable:
        raise ApiError(409, "The schedule's instants can't be computed here.") from None
