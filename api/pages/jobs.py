"""Owns the page that lists jobs, and what is done to many of them at once."""

from flask import Response, render_template, request

from api.ids import job_key
from api.pages.blueprint import back_to, pages, visitor
from models import clock, jobs, replays
from models.database import transaction
from models.lifecycle import STATES

SHOWN = 50
MOST_CHOSEN = 100
NEWEST_FIRST = ("inserted_at", "desc")


@pages.get("/jobs")
def list_jobs() -> str:
    asked = {"state": request.args.get("state", "")}
    state = asked["state"] if asked["state"] in STATES else None
    page = number(request.args.get("page", "0"))
    rows = jobs.listed(visitor().account_id, jobs.KINDS[0], state, NEWEST_FIRST, SHOWN + 1, page * SHOWN)
    return render_template(
        "jobs.html", jobs=rows[:SHOWN], more=len(rows) > SHOWN, page=page, asked=asked, states=STATES, now=clock.now()
    )


@pages.post("/jobs/chosen")
def act_on_chosen() -> Response:
    """Cancel the chosen jobs, or order them again."""
    ids = chosen()
    if not ids:
        return back_to("list_jobs", "nothing")
    if request.form.get("action") == "again":
        replays.order_again(visitor().account_id, ids, clock.now())
        return back_to("list_jobs", "bulk_again")
    cancel_all(visitor().account_id, ids, clock.now())
    return back_to("list_jobs", "bulk_cancelled")


def cancel_all(account_id: int, ids: list[int], now: int) -> None:
    """In the order of ids, so that two that cancel the same jobs can't wait for one another."""
    with transaction():
        for job_id in sorted(ids):
            jobs.cancel(account_id, job_id, now)


def chosen() -> list[int]:
    """The integers of the jobs that were ticked, at most a hundred."""
    keys = [job_key(text) for text in request.form.getlist("job")[:MOST_CHOSEN]]
    return [key for key in keys if isinstance(key, int)]


def number(text: str) -> int:
    """The number of a page, 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
