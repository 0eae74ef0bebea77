"""Which pages of the account are recorded."""

from tests.support.recorded_account import (
    walk_forms,
    walk_jobs,
    walk_limits,
    walk_places,
    walk_schedules,
    walk_settings,
)


def walk(visits):
    for part in (walk_jobs, walk_places, walk_schedules, walk_forms, walk_settings, walk_limits):
        part.walk(visits)
