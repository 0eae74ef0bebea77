"""Signing in with a key: what the cookie holds, who is let in, where one lands, and when it ends."""

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from api import context
from api.dashboard import sessions
from api.dashboard.pages import signing_in
from api.dashboard.pages.signing_in import Failures, local_path
from models.accounts import account_store
from models.accounts.session_store import session_secret
from models.database.sql import fetch
from models.rules import clock
from tests.support.browsers import Browser


def cookie_of(answer):
    (cookie,) = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith("booper_session=")]
    return cookie


def test_signing_in_leads_back_to_the_page_that_was_opened(nobody, alice):
    """A page asks whoever is not signed in to do so and brings them back."""
    answer = nobody.get("/jobs?state=completed")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/jobs?state%3Dcompleted"
    landed = nobody.sign_in(alice.secret, next="/jobs?state=completed")
    assert (landed.status_code, landed.location) == (303, "/jobs?state=completed")
    assert nobody.get("/jobs").status_code == 200


def test_a_wrong_key_is_refused_and_signs_nobody_in(nobody):
    for wrong in ("", "sk_", "sk_wrong", "sk_public_20230922", "x" * 5000):
        answer = nobody.sign_in(wrong)
        assert answer.status_code == 422
        assert "This is not a valid key" in answer.text
    assert nobody.get("/").status_code == 303


def test_the_cookie_holds_no_key_and_is_for_this_site_alone(nobody, alice):
    cookie = cookie_of(nobody.sign_in(alice.secret))
    assert alice.secret not in cookie
    for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_never_sent_in_the_clear(app, alice):
    token = Browser(app).token()
    browser = Browser(app)
    token = browser.token()
    form = {"csrf": token, "key": alice.secret}
    for options in ({"base_url": "https://localhost"}, {"headers": {"X-Forwarded-Proto": "https"}}):
        client = browser.client
        assert "Secure" in cookie_of(client.get("/sign-in", **options))
    assert client.post("/sign-in", data=form).status_code in (303, 403)


def test_signing_in_again_gives_another_token(nobody, alice):
    before = nobody.token()
    nobody.sign_in(alice.secret)
    assert nobody.token() != before


def test_a_forged_or_changed_cookie_is_nobodys(app, alice):
    value = alice.client.get_cookie("booper_session").value
    for forged in (value[:-2] + "AA", value.replace(".", "..", 1), "x", "", '["1","2"]', "é"):
        browser = Browser(app)
        browser.client.set_cookie("booper_session", forged)
        assert browser.get("/").status_code == 303


def test_a_cookie_of_another_secret_is_nobodys(app, alice):
    app.extensions[context.SECRET] = "another"
    assert alice.get("/").status_code == 303


def signed_ago(browser, age_s):
    """The cookie that signing in gave the browser, as if that had been `age_s` seconds ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self):
            return super().get_timestamp() - age_s

    return URLSafeTimedSerializer(session_secret(), salt="booper.session", signer=Earlier).dumps(
        [browser.key.uuid, "token"]
    )


def test_a_cookie_that_is_too_old_is_nobodys(app, alice):
    old = browser_with_cookie(app, signed_ago(alice, sessions.LASTS_S + 1))

    assert [old.get(path).status_code for path in ("/", "/jobs", "/logs/stream")] == [303] * 3
    assert old.send("/keys", "token", name="mine").status_code == 403


def test_a_cookie_lets_in_until_it_is_too_old(app, alice):
    young = browser_with_cookie(app, signed_ago(alice, sessions.LASTS_S - 60))

    assert young.get("/").status_code == 200
    assert f"Max-Age={sessions.LASTS_S}" in cookie_of(alice.sign_in(alice.secret))


def test_every_api_process_knows_the_same_secret(app, alice):
    from api import create_app
    from runtime import settings

    other = Browser(create_app(settings.load({})))
    other.client.set_cookie("booper_session", alice.client.get_cookie("booper_session").value)
    assert other.get("/").status_code == 200


def test_a_revoked_key_signs_out_at_once(alice):
    assert alice.get("/").status_code == 200
    account_store.revoke_key(alice.key.uuid, clock.now())
    assert alice.get("/").status_code == 303


def test_signing_out_ends_the_session(alice):
    assert alice.send("/sign-out").status_code == 303
    assert alice.get("/").status_code == 303


def browser_with_cookie(app, cookie):
    """A browser with a copied cookie, before a server process of its own."""
    browser = Browser(app)
    browser.client.set_cookie("booper_session", cookie)
    return browser


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app, alice):
    from api import create_app
    from runtime import settings

    cookie = alice.client.get_cookie("booper_session").value
    others = [browser_with_cookie(app, cookie), browser_with_cookie(create_app(settings.load({})), cookie)]
    assert [other.get("/").status_code for other in others] == [200, 200]
    token = others[0].token()
    alice.send("/sign-out")
    for other in others:
        other.client.set_cookie("booper_session", cookie)
        assert other.get("/").status_code == 303
        assert other.get("/logs/stream").status_code == 303
        assert other.send("/keys", token, name="mine").status_code == 403


def test_a_signed_out_session_is_not_made_young_again_by_the_form(app, alice):
    cookie = alice.client.get_cookie("booper_session").value
    alice.send("/sign-out")
    other = browser_with_cookie(app, cookie)
    other.get("/sign-in")  # writes a cookie
    assert other.client.get_cookie("booper_session").value != cookie
    assert other.get("/").status_code == 303


def test_signing_out_ends_one_session_of_a_key_and_no_other(app, alice):
    second = Browser(app)
    second.sign_in(alice.secret)
    alice.send("/sign-out")
    assert second.get("/").status_code == 200
    assert alice.sign_in(alice.secret).status_code == 303
    assert alice.get("/").status_code == 200


def test_signing_in_again_ends_the_session_that_the_browser_had(app, alice, monkeypatch):
    monkeypatch.setattr(signing_in, "failures", Failures())
    other = browser_with_cookie(app, alice.client.get_cookie("booper_session").value)
    assert alice.sign_in("sk_wrong").status_code == 422
    assert other.get("/").status_code == 200
    assert alice.sign_in(alice.secret).status_code == 303
    assert other.get("/").status_code == 303
    assert alice.get("/").status_code == 200


def test_an_ended_session_is_remembered_for_as_long_as_its_cookie_lasts(alice, moved_clock):
    alice.send("/sign-out")
    ((until,),) = fetch("SELECT forgotten_at FROM ended_session")
    ahead_us = 23 * clock.HOUR  # of the clock of the machine that signed the cookie
    assert until >= clock.now() + sessions.LASTS_S * clock.SECOND + ahead_us


def test_who_is_not_signed_in_leaves_no_row_by_signing_out(nobody):
    nobody.send("/sign-out")
    nobody.sign_in("sk_wrong")
    assert fetch("SELECT count(*) FROM ended_session") == [(0,)]


def test_a_link_signs_nobody_out(alice):
    assert alice.get("/sign-out").status_code == 405
    assert alice.get("/").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/ok\r\nSet-Cookie: a=b",
        " /jobs",
        "/jobs\\x",
        "",
    ],
)
def test_signing_in_leads_to_no_other_site(nobody, alice, wanted):
    assert nobody.sign_in(alice.secret, next=wanted).location == "/"


def test_signing_in_leads_to_the_page_that_was_wanted():
    for wanted in ("/", "/jobs", "/jobs?state=completed&page=2", "/logs/0198"):
        assert local_path(wanted, "") == wanted


def test_many_failures_are_slowed_down_and_a_right_key_passes(nobody, alice, monkeypatch):
    """Many failures are told to slow down and a right key still passes."""
    monkeypatch.setattr(signing_in, "failures", Failures())
    answers = [nobody.sign_in("sk_wrong").status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2
    assert nobody.sign_in("sk_wrong").headers["Retry-After"] == "60"
    assert nobody.sign_in(alice.secret).status_code == 303


def test_failures_of_one_address_count_for_it_alone_and_for_a_minute():
    failures = Failures()
    assert [failures.too_many("a", 0.0) for _ in range(11)] == [False] * 10 + [True]
    assert not failures.too_many("b", 0.0)
    assert not failures.too_many("a", 61.0)


def test_only_the_key_that_everybody_knows_is_shown(db):
    from api import create_app
    from runtime import settings

    known = Browser(create_app(settings.load({}))).get("/sign-in").text
    own = Browser(create_app(settings.load({"BOOPER_DEMO_KEY": "sk_operators_own"}))).get("/sign-in").text
    assert "sk_public_20230921" in known
    assert "sk_operators_own" not in own
