"""Which pages of the account are recorded, and what is sent to them."""

from tests.support.recorded_account.markup import brief, lines


def walk(visits):
    overview(visits)
    jobs(visits)


def overview(visits):
    visits.page("overview", "/")


def jobs(visits):
    visits.page("jobs", "/jobs")
    visits.pages("jobs-found", "/jobs?state=discarded", what=brief)
    visits.send("job-actions", "/jobs/101/cancel", then=lines)
