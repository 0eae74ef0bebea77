"""What pages say where there is more than they look at or show: the limits are lowered, so that few rows reach them."""

from tests.support.recorded_account.fixed import uuid_of
from tests.support.recorded_account.markup import brief, chosen, few, lines, said
from tests.support.recorded_account.settings import TOKEN


def walk(visits):
    lists(visits)
    counts(visits)
    timelines(visits)


def lists(visits):
    ends = chosen(".empty", "nav.pager", ".bad-card")
    with visits.limited(api__dashboard__pages__jobs__LOOKED_AT=5):
        for search in ("text=nothing", "text=nothing&due=overdue", "text=invoices&state=completed"):
            visits.page("limits", f"/jobs?{search}", ends)
    with visits.limited(api__dashboard__pages__find__LOOKED_AT=5, api__dashboard__pages__find__SHOWN=2):
        visits.pages("limits", "/find/results?q=nothing", "/find/results?q=state:completed", what=lines)
    with visits.limited(api__dashboard__gate_pages__SHOWN=2):
        for path in ("/flows", "/flows?text=flow", "/lanes", "/hosts", "/hosts?show=failing"):
            visits.page("limits", path, chosen("nav.pager", "h1"))
            visits.page("limits", path, few)
    with visits.limited(api__dashboard__pages__logs__SHOWN=3):
        visits.page("limits", "/logs?job=131", lambda root: [*few(root), *chosen("nav.pager")(root)])
    with visits.limited(api__dashboard__pages__settings__alert_pages__LISTED=1):
        visits.page("limits", "/alerts", chosen("@incidents-title"))
    with visits.limited(models__accounts__account_store__LISTED=2):
        visits.page("limits", "/keys", lambda root: [*few(root), *chosen("p")(root)])
    with visits.limited(api__dashboard__pages__bulk__SHOWN=3):
        visits.page("limits", "/operations", brief)
    with visits.limited(api__dashboard__pages__recurring__calendars__USERS_SHOWN=2):
        visits.page("limits", "/calendars/stocktaking", chosen("@users"))
    with visits.limited(api__dashboard__pages__status_wall__SHOWN=3, models__alerts__status_pages__AT_MOST=5):
        visits.page("limits", f"/status/{TOKEN}")


def counts(visits):
    with visits.limited(models__operations__failures__GROUPED=3, models__operations__failures__EXAMPLES=1):
        visits.page("limits", "/failures?span=all", chosen("p", "tr"))
        visits.page("limits", "/", chosen("@failing"))
    with visits.limited(models__operations__bulk__COUNTED=2, models__operations__bulk__LOOKED_AT=2):
        for query in ("action=cancel", "action=cancel&text=nothing", "action=retry&state=discarded&text=mail"):
            visits.page("limits", f"/jobs/bulk?{query}", said("#bulk"))
    for limit in (19, 20):  # as many as there are, and one more
        with visits.limited(api__dashboard__timelines__health_cards__LOOKED_AT=limit):
            visits.page("limits", "/", chosen(".health-waiting"))
    with visits.limited(api__dashboard__filters__CAP=1):
        visits.page("limits", "/flows", few)
    with visits.limited(models__alerts__incident_store__SUBJECTS_SHOWN=2):
        visits.page("limits", f"/incidents/{uuid_of('host is down')}", chosen("@affected"))
    with visits.limited(api__dashboard__pages__job__MAX_ENTRIES=2, api__dashboard__pages__job__MAX_COMMAND_CHARS=40):
        visits.page("limits", f"/jobs/{uuid_of('stock refresh')}", chosen(".attempt", "#command", "@events"))


def timelines(visits):
    shown = chosen("figcaption", ".tl-rows", ".tl-bar")
    with visits.limited(api__dashboard__timelines__timeline_view__MARKS=4):
        visits.page("limits", "/timeline?span=1h", shown)
    with visits.limited(
        models__operations__timelines__past_attempts__WHOLE=6, models__operations__timelines__coming_jobs__SHOWN=5
    ):
        visits.page("limits", "/timeline?span=6h", shown)
        visits.page("limits", "/timeline?span=24h&host=soon.example.com", chosen("figcaption"))
        visits.page("limits", "/jobs?active_after=2026-03-10T08:00:00Z&active_before=2026-03-10T14:00:00Z", few)
    with visits.limited(
        models__operations__timelines__coming_jobs__SHOWN=5, models__operations__timelines__coming_jobs__COUNTED=1
    ):
        visits.page("limits", "/timeline?span=6h", chosen("figcaption"))
