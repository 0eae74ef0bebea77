"""Serves the page of signing keys: lists, creates and retires them. A new secret is shown once."""

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import problems_of
from api.routes.signing_keys import NewKey
from models.database.ids import is_uuid
from models.rules import clock
from models.rules.clock import DAY
from models.webhooks import signing_keys


@pages.get("/signing-keys")
def list_signing_keys() -> Response:
    return _page("", "", 200)


@pages.post("/signing-keys")
def create_signing_key() -> Response:
    """Create a key. Only this response holds its secret, so it does not redirect."""
    name = request.form.get("name", "").strip()
    try:
        values = NewKey().load({"name": name} if name else {})
    except ValidationError as error:
        return _page("", "; ".join(problems_of(error)), 422, name)
    key = signing_keys.create(visitor().account_id, None, clock.now(), values.get("name"))
    if key is None:
        problem = f"At most {signing_keys.MAX_LIVE} keys may be active. Retire one of them first."
        return _page("", problem, 409, name)
    return _page(key.secret, "", 200)


@pages.post("/signing-keys/<key_id>/retire")
def retire_signing_key(key_id: str) -> Response:
    """End a key now, or in a day, so that receivers can change to its successor."""
    now = clock.now()
    ends_at = now + DAY if request.form.get("after") == "day" else now
    key = signing_keys.retire(visitor().account_id, key_id, ends_at, now) if is_uuid(key_id) else None
    if key is None:
        raise page_not_found()
    return redirect_to("list_signing_keys", "retires" if (key.ends_at or now) > now else "retired")


def _page(secret: str, problem: str, status: int, name: str = "") -> Response:
    """`name`: as it was typed, of a key that was refused."""
    rows, now = signing_keys.listed(visitor().account_id), clock.now()
    active = [row for row in rows if row.ends_at is None or row.ends_at > now]
    shown = {"keys": rows, "active": [row.uuid for row in active], "secret": secret, "problem": problem, "name": name}
    return make_response(render_template("signing_keys.html", **shown), status)
