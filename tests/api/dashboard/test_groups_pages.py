"""The pages of groups: what is made, changed, refused and deleted."""

import json

import pytest

from models.accounts import target_groups
from models.accounts.target_groups import MAX_GROUPS

TARGETS = [{"name": "berlin", "url": "https://berlin.example.com/"}, {"name": "graz", "url": "https://graz.example/"}]


def add(browser, name="shops", targets=TARGETS):
    return browser.send("/groups", name=name, targets=targets if isinstance(targets, str) else json.dumps(targets))


def stored(browser):
    return {group.name: [target.url for target in group.targets] for group in target_groups.listed(browser.account.id)}


def test_a_group_is_made_shown_changed_and_deleted(alice, moved_clock):
    assert add(alice).location == "/groups/shops?note=saved"
    assert '<a href="/groups/shops">shops</a>' in alice.get("/groups").text
    page = alice.get("/groups/shops").text
    assert ("berlin.example.com" in page, "2 targets" in page) == (True, True)

    changed = [{**TARGETS[0], "headers": {"X-Key": "1"}}]
    assert alice.send("/groups/shops", targets=json.dumps(changed)).location == "/groups/shops?note=saved"
    assert stored(alice) == {"shops": ["https://berlin.example.com/"]}
    assert "X-Key" in alice.get("/groups/shops").text

    assert alice.send("/groups/shops/delete").location == "/groups?note=deleted"
    assert stored(alice) == {}


def test_a_name_that_is_taken_is_refused_and_what_was_typed_stays(alice):
    add(alice)
    answer = add(alice, targets=[{"name": "wien", "url": "https://wien.example/"}])
    assert (answer.status_code, "wien.example" in answer.text) == (422, True)
    assert stored(alice) == {"shops": [target["url"] for target in TARGETS]}


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("{nope", "must be a JSON list"),
        ("{}", "must be a list of 1 to 100 targets"),
        ("[" * 5000, "must be a JSON list"),
        ([{"name": "a", "url": "ftp://x"}], "targets.0.url must be"),
        ([TARGETS[0], TARGETS[0]], "targets.1.name must be another"),
        ([{"name": "a", "url": "https://a.example/", "colour": 1}], "colour"),
    ],
)
def test_targets_that_are_not_valid_are_refused_and_nothing_is_changed(alice, targets, message):
    add(alice)
    text = targets if isinstance(targets, str) else json.dumps(targets)
    for answer in (add(alice, "other", text), alice.send("/groups/shops", targets=text)):
        assert answer.status_code == 422
        assert message in answer.text.replace("&#39;", "'")
    assert stored(alice) == {"shops": [target["url"] for target in TARGETS]}


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 101])
def test_a_name_that_can_be_none_is_refused(alice, name):
    assert add(alice, name).status_code == 422
    assert stored(alice) == {}


def test_a_group_too_many_is_refused(alice, monkeypatch):
    monkeypatch.setattr(target_groups, "MAX_GROUPS", 1)
    add(alice)
    answer = add(alice, "other")
    assert (answer.status_code, str(MAX_GROUPS) in answer.text) == (409, True)


def test_the_groups_of_another_account_are_not_there(alice, bob):
    add(alice)
    assert "shops" not in bob.get("/groups").text
    assert bob.get("/groups/shops").status_code == 404
    for path in ("/groups/shops", "/groups/shops/delete"):
        assert bob.send(path, targets=json.dumps(TARGETS)).status_code == 404
    assert set(stored(alice)) == {"shops"}
