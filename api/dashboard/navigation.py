"""Lists the pages: the sections of the menu, their tabs, and the modules that the pages of each are in.

A module registers its routes with the blueprint when it is imported, so a page is served when its module stands here.
"""

from types import ModuleType
from typing import NamedTuple

from flask import current_app, request

from api.dashboard.blueprint import pages, visitor
from api.dashboard.pages import (
    bulk,
    failures,
    find,
    flows,
    groups,
    hosts,
    job,
    job_drafts,
    job_modes,
    jobs,
    lanes,
    logs,
    new_job,
    overview,
    preview,
    signing_in,
    status_wall,
    theme,
)
from api.dashboard.pages.recurring import calendars, edit_schedule, schedule, schedules
from api.dashboard.pages.settings import alert_pages, channels, endpoints, keys, signing_keys
from api.dashboard.reference import api_reference
from models.database.connection import Unreachable
from models.operations import overview as overview_counts
from models.rules import clock
from models.rules.clock import DAY


class Tab(NamedTuple):
    """A part of a section: its label, the endpoint that it leads to, the modules of its pages, and the key that leads
    there after `g`."""

    label: str
    endpoint: str
    modules: tuple[ModuleType, ...] = ()
    key: str = ""


class Section(NamedTuple):
    """A place of the menu: its label, its icon in static/icons.svg, and its parts; it leads to the first."""

    label: str
    icon: str
    tabs: tuple[Tab, ...]


SECTIONS = (
    Section("Overview", "overview", (Tab("Overview", "show_overview", (overview,), "o"),)),
    Section(
        "Jobs",
        "jobs",
        (
            Tab("Jobs", "list_jobs", (jobs, job, new_job, job_drafts, job_modes, preview), "j"),
            Tab("Log", "list_logs", (logs,), "l"),
            Tab("Operations", "list_operations", (bulk,)),
        ),
    ),
    Section(
        "Schedules",
        "schedules",
        (
            Tab("Schedules", "list_schedules", (schedules, schedule, edit_schedule), "s"),
            Tab("Calendars", "list_calendars", (calendars,), "c"),
        ),
    ),
    Section("Failures", "failures", (Tab("Failures", "list_failures", (failures,), "f"),)),
    Section(
        "Flows",
        "flows",
        (
            Tab("Flows", "list_flows", (flows,), "w"),
            Tab("Lanes", "list_lanes", (lanes,)),
            Tab("Hosts", "list_hosts", (hosts,), "h"),
            Tab("Groups", "list_groups", (groups,)),
        ),
    ),
    Section(
        "Settings",
        "settings",
        (
            Tab("API keys", "list_keys", (keys,), "k"),
            Tab("Signing keys", "list_signing_keys", (signing_keys,)),
            Tab("Endpoints", "list_endpoints", (endpoints,)),
            Tab("Channels", "list_channels", (channels,)),
            Tab("Alerts", "list_alerts", (alert_pages,)),
            Tab("API", "show_api", (api_reference,)),
        ),
    ),
)
OUTSIDE = (signing_in, theme, find, status_wall)  # modules whose pages belong to no section
BADGE_US = DAY  # the badge counts jobs that failed so short a time ago


@pages.app_context_processor
def menu() -> dict[str, object]:
    """The sections, the section and the tab that the page of this request belongs to, and how much has failed."""
    section, tab = place_of(request.endpoint)
    return {"sections": SECTIONS, "current_section": section, "current_tab": tab, "count_failing": count_failing}


def place_of(endpoint: str | None) -> tuple[Section | None, Tab | None]:
    """The section and the tab of an endpoint; None where it belongs to none."""
    name = (endpoint or "").removeprefix("pages.")
    module = getattr(current_app.view_functions.get(endpoint or ""), "__module__", "")
    places = [(section, tab) for section in SECTIONS for tab in section.tabs]
    matching = [place for place in places if module in [each.__name__ for each in place[1].modules]]
    return next((place for place in places if place[1].endpoint == name), matching[0] if matching else (None, None))


def count_failing() -> int:
    """How many jobs of the visitor failed of late, `overview.MANY` at most. 0 where the database does not answer: an
    error page has a menu too."""
    try:
        return overview_counts.failing_of_late(visitor().account_id, clock.now() - BADGE_US)
    except Unreachable:
        return 0
