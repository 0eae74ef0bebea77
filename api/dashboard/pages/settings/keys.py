"""Serves the page of API keys: lists, creates and revokes them. A new key is shown once."""

from flask import Response, make_response, render_template, request

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import whole_number
from api.requests.job_values import is_printable
from models.accounts import account_store
from models.accounts.account_tables import Account
from models.database.ids import is_uuid
from models.rules import clock

MAX_NAME_CHARS = 100


@pages.get("/keys")
def list_keys() -> Response:
    return _page("", "", 200)


@pages.post("/keys")
def create_key() -> Response:
    """Create a key. Only this response holds it, so it does not redirect."""
    name = request.form.get("name", "").strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS or not is_printable(name):
        return _page("", f"The name must be 1 to {MAX_NAME_CHARS} printable characters.", 422, name)
    if name == account_store.DEMO_KEY_NAME:
        return _page("", f"The name must not be {name}, which is reserved.", 422, name)
    _, secret = account_store.create_key(Account.get_by_id(visitor().account_id), name, clock.now())
    return _page(secret, "", 200)


@pages.post("/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> Response:
    if not is_uuid(key_id) or not account_store.revoke_key_of(visitor().account_id, key_id, clock.now()):
        raise page_not_found()
    return redirect_to("list_keys", "revoked")


def _page(secret: str, problem: str, status: int, name: str = "") -> Response:
    """`name`: as it was typed, of a key that was refused."""
    before_id = whole_number(request.args.get("before", "")) or None
    keys, older = account_store.keys_of(visitor().account_id, before_id)
    shown = {"keys": keys, "older": older, "secret": secret, "problem": problem, "name": name}
    return make_response(render_template("keys.html", **shown), status)
