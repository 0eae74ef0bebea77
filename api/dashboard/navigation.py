"""Lists the pages: the sections of the menu, and the modules that each section's pages are in.

A module registers its routes with the blueprint when it is imported, so a page is served when its module stands here.
"""

from types import ModuleType
from typing import NamedTuple

from flask import current_app, request

from api.dashboard.blueprint import pages
from api.dashboard.pages import (
    api_reference,
    bulk,
    channels,
    edit_schedule,
    endpoints,
    failures,
    flows,
    hosts,
    job,
    jobs,
    keys,
    logs,
    new_job,
    overview,
    preview,
    schedule,
    schedules,
    signing_in,
    signing_keys,
)


class Section(NamedTuple):
    """A line of the menu: its label, the endpoint that it leads to, and the modules of its pages."""

    label: str
    endpoint: str
    modules: tuple[ModuleType, ...]


SECTIONS = (
    Section("Overview", "show_overview", (overview,)),
    Section("Jobs", "list_jobs", (jobs, job, new_job, preview)),
    Section("Schedules", "list_schedules", (schedules, schedule, edit_schedule)),
    Section("Failures", "list_failures", (failures,)),
    Section("Operations", "list_operations", (bulk,)),
    Section("Flows", "list_flows", (flows,)),
    Section("Hosts", "list_hosts", (hosts,)),
    Section("Logs", "list_logs", (logs,)),
    Section("API keys", "list_keys", (keys,)),
    Section("Signing keys", "list_signing_keys", (signing_keys,)),
    Section("Endpoints", "list_endpoints", (endpoints,)),
    Section("Channels", "list_channels", (channels,)),
    Section("API", "show_api", (api_reference,)),
)
OUTSIDE = (signing_in,)  # modules whose pages belong to no section


@pages.context_processor
def menu() -> dict[str, object]:
    """The sections, and the one that the page of this request belongs to."""
    return {"sections": SECTIONS, "current_section": section_of(request.endpoint)}


def section_of(endpoint: str | None) -> Section | None:
    module = getattr(current_app.view_functions.get(endpoint or ""), "__module__", "")
    return next((section for section in SECTIONS if module in [each.__name__ for each in section.modules]), None)
