"""The pages of signing keys and channels: secrets are shown once or never, and each account has its own."""

import re

import pytest

from models.rules import clock
from models.webhooks import channels, endpoints, signing_keys
from models.webhooks.channels import Message
from models.webhooks.webhook_tables import SigningKey

SVG = "<svg/onload=alert(1)>"
HOOK = "https://hooks.example.com/services/T000/B000/very-secret-part"


def test_a_signing_secret_is_shown_once(alice):
    answer = alice.send("/signing-keys")
    (key,) = signing_keys.listed(alice.account.id)
    assert key.secret in answer.text
    assert key.uuid in alice.get("/signing-keys").text
    assert key.secret not in alice.get("/signing-keys").text


def test_a_signing_key_is_shown_with_its_name_and_works_without_one(alice):
    alice.send("/signing-keys", name=f" {SVG} ")
    alice.send("/signing-keys")

    page = alice.get("/signing-keys").text

    assert [key.name for key in signing_keys.listed(alice.account.id)] == [SVG, None]
    assert "<b>&lt;svg/onload=alert(1)&gt;</b>" in page
    assert SVG not in page


def test_a_name_that_is_too_long_makes_no_key(alice):
    answer = alice.send("/signing-keys", name="x" * 101)
    assert (answer.status_code, "name must be" in answer.text) == (422, True)
    assert signing_keys.listed(alice.account.id) == []


def test_a_third_living_key_is_refused_with_what_to_do(alice):
    for _ in range(2):
        alice.send("/signing-keys")
    answer = alice.send("/signing-keys")
    assert answer.status_code == 409
    assert "Retire one of them first" in answer.text
    assert len(signing_keys.listed(alice.account.id)) == 2


def test_each_button_that_retires_a_key_says_when(alice):
    alice.send("/signing-keys")
    buttons = re.findall(r'name="after" value="(\w+)">([^<]+)</button>', alice.get("/signing-keys").text)
    assert buttons == [("day", "Retire in a day"), ("now", "Retire now")]


@pytest.mark.parametrize(("after", "wait_us"), [("now", 0), ("day", clock.DAY)])
def test_a_key_is_retired_at_once_or_in_a_day(alice, moved_clock, after, wait_us):
    alice.send("/signing-keys")
    (key,) = signing_keys.listed(alice.account.id)
    alice.send(f"/signing-keys/{key.uuid}/retire", after=after)
    assert SigningKey.get().ends_at == clock.now() + wait_us
    assert ("Retire now" in alice.get("/signing-keys").text) == (after == "day")


def test_another_accounts_signing_key_is_not_there(alice, bob):
    alice.send("/signing-keys")
    (key,) = signing_keys.listed(alice.account.id)
    assert bob.send(f"/signing-keys/{key.uuid}/retire").status_code == 404
    assert bob.send("/signing-keys/x/retire").status_code == 404
    assert key.uuid not in bob.get("/signing-keys").text
    assert SigningKey.get().ends_at is None


def test_a_channels_url_is_kept_and_never_shown(alice, bob):
    assert alice.send("/channels/slack", url=HOOK).location == "/channels?note=saved"
    text = alice.get("/channels").text
    assert "hooks.example.com" in text
    assert "very-secret-part" not in text
    assert "hooks.example.com" not in bob.get("/channels").text
    assert bob.send("/channels/slack/remove").status_code == 404
    alice.send("/channels/slack/remove")
    assert channels.hosts(alice.account.id)["slack"] is None


@pytest.mark.parametrize("url", ["", "ftp://x", "nonsense", "https://user:pw@hooks.example.com/"])
def test_a_wrong_url_is_told_and_not_repeated(alice, url):
    answer = alice.send("/channels/discord", url=url)
    assert answer.status_code == 422
    assert "must" in answer.text
    assert "user:pw" not in answer.text
    assert channels.hosts(alice.account.id)["discord"] is None


def test_the_name_of_a_signing_key_that_is_refused_is_kept(alice):
    assert 'value="a&#9;b"' in alice.send("/signing-keys", name="a\tb").text.replace("\t", "&#9;")
    for _ in range(signing_keys.MAX_LIVE):
        alice.send("/signing-keys")
    answer = alice.send("/signing-keys", name="2027, all receivers")
    assert answer.status_code == 409
    assert 'value="2027, all receivers"' in answer.text


def test_the_name_of_a_signing_key_that_was_made_is_not_in_the_form(alice):
    assert 'value="2027"' not in alice.send("/signing-keys", name="2027").text


def test_only_channels_that_forward_can_be_set(alice):
    for name in ("demo", "teams"):
        assert alice.send(f"/channels/{name}", url=HOOK).status_code == 404
        assert alice.send(f"/channels/{name}/remove").status_code == 404


def test_messages_of_strangers_are_text(alice):
    channels.keep(None, Message(SVG, f"{SVG} javascript:alert(1)", clock.now()))
    for path in ("/channels", "/"):
        text = alice.get(path).text
        assert SVG not in text
        assert text.count("&lt;svg/onload") == 2, path


def test_without_messages_the_channel_says_how_to_send_one(alice):
    assert "/api/channels/demo" in alice.get("/channels").text


def test_a_button_that_cant_be_undone_is_behind_a_warning(alice):
    alice.send("/signing-keys")
    channels.configure(alice.account.id, "slack", HOOK, clock.now())
    endpoints.create(alice.account.id, HOOK, None, True, clock.now())
    for path in ("/keys", "/signing-keys", "/endpoints", "/channels"):
        _, *warned = alice.get(path).text.split('<details class="confirm"')
        assert [part.count('<button class="danger"') for part in warned] == [1] * (
            2 if path == "/signing-keys" else 1
        ), path
