"""Answers 422 for a schedule that its account or its bounds do not allow."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.requests.fields import shown
from api.requests.schedule_fields import no_instant, too_many
from api.responses.responses import invalid
from models.schedules.calendars import NoCalendar
from models.schedules.schedule_changes import NoInstant, TooMany


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except NoInstant:
        raise no_instant() from None
    except TooMany:
        raise too_many() from None
    except NoCalendar as error:
        message = f"must be names of calendars of this account, got {shown(error.name)}"
        raise invalid({"exclude.calendars": [message]}) from None
