"""Owns the page of signing keys: listing, making (the secret is shown once), retiring."""

from flask import Response, make_response, render_template, request

from api.dashboard.blueprint import back_to, gone, pages, visitor
from models.database.ids import is_uuid
from models.rules import clock
from models.rules.clock import DAY
from models.webhooks import signing_keys


@pages.get("/signing-keys")
def list_signing_keys() -> Response:
    return _page("", "", 200)


@pages.post("/signing-keys")
def create_signing_key() -> Response:
    """Make a key; this answer alone holds its secret, so there is no redirect."""
    made = signing_keys.create(visitor().account_id, None, clock.now())
    if made is None:
        return _page("", f"At most {signing_keys.MAX_LIVE} keys live at once; retire one of them first.", 409)
    return _page(made.secret, "", 200)


@pages.post("/signing-keys/<key_id>/retire")
def retire_signing_key(key_id: str) -> Response:
    """Let a key end now, or in a day, while its successor is made known."""
    now = clock.now()
    ends_at = now + DAY if request.form.get("after") == "day" else now
    if not is_uuid(key_id) or signing_keys.retire(visitor().account_id, key_id, ends_at, now) is None:
        raise gone()
    return back_to("list_signing_keys", "retired")


def _page(secret: str, problem: str, status: int) -> Response:
    rows, now = signing_keys.listed(visitor().account_id), clock.now()
    live = [row for row in rows if row.ends_at is None or row.ends_at > now]
    text = render_template(
        "signing_keys.html", keys=rows, live=[row.uuid for row in live], secret=secret, problem=problem
    )
    return make_response(text, status)
