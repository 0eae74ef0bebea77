"""What a sending process caches of its accounts."""

import pytest

from models.rules import clock
from models.webhooks import channels, endpoints, signing_keys
from models.webhooks import delivery_config as asking
from workers.delivery import config_cache as module
from workers.delivery.config_cache import ConfigCache

URL = "https://hooks.example/"


class Steady:
    """A steady clock that the test moves."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def steady():
    return Steady()


def an_endpoint_is_made(account):
    return lambda: endpoints.create(account.id, URL, None, True, clock.now())


def an_endpoint_is_paused(account):
    endpoint = endpoints.create(account.id, URL, None, True, clock.now())
    return lambda: endpoints.change(account.id, endpoint.uuid, {"enabled": 0}, clock.now())


def an_endpoint_is_deleted(account):
    endpoint = endpoints.create(account.id, URL, None, True, clock.now())
    return lambda: endpoints.delete(account.id, endpoint.uuid, clock.now())


def an_endpoint_takes_other_events(account):
    endpoint = endpoints.create(account.id, URL, None, True, clock.now())
    return lambda: endpoints.change(account.id, endpoint.uuid, {"types": '["job.finished"]'}, clock.now())


def a_key_is_made(account):
    return lambda: signing_keys.create(account.id, None, clock.now())


def a_key_is_retired(account):
    key = signing_keys.create(account.id, None, clock.now())
    return lambda: signing_keys.retire(account.id, key.uuid, clock.now() + clock.HOUR, clock.now())


def a_channel_is_set(account):
    return lambda: channels.configure(account.id, "slack", URL, clock.now())


def a_channel_is_removed(account):
    channels.configure(account.id, "slack", URL, clock.now())
    return lambda: channels.remove(account.id, "slack")


CHANGES = [
    an_endpoint_is_made,
    an_endpoint_is_paused,
    an_endpoint_is_deleted,
    an_endpoint_takes_other_events,
    a_key_is_made,
    a_key_is_retired,
    a_channel_is_set,
    a_channel_is_removed,
]


@pytest.fixture(params=CHANGES, ids=[change.__name__ for change in CHANGES])
def change(request, account):
    return request.param(account)


@pytest.fixture
def cache(account, steady, change):
    """A cache that knows what the account had set before the change."""
    made = ConfigCache(steady)
    made.refresh([account.id])
    change()
    return made


def test_what_an_account_changes_is_known_after_a_second(account, cache, steady):
    """A worker never learnt of a retired key or a paused endpoint before it was started again."""
    steady.now_s += 1.0
    cache.refresh([account.id])
    assert cache.of(account.id) == asking.of_accounts([account.id]).get(account.id, asking.NONE)


def test_within_a_second_nothing_is_fetched_again(account, cache, steady):
    before = cache.of(account.id)
    steady.now_s += 0.99
    cache.refresh([account.id])
    assert cache.of(account.id) is before


def test_a_fetch_shows_a_change_at_once(account, cache):
    cache.fetch([account.id])
    assert cache.of(account.id) == asking.of_accounts([account.id]).get(account.id, asking.NONE)


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_younger_one(account, steady, monkeypatch):
    """Two threads ask; the first is held up until the second has its answer."""
    cache, ask, queries = ConfigCache(steady), asking.of_accounts, []

    def slowly(account_ids):
        configs = ask(account_ids)
        queries.append(1)
        if len(queries) == 1:
            signing_keys.create(account.id, None, clock.now())
            steady.now_s += 0.5
            cache.fetch(account_ids)
        return configs

    monkeypatch.setattr(asking, "of_accounts", slowly)
    cache.fetch([account.id])

    assert len(cache.of(account.id).keys) == 1


def test_a_full_cache_drops_nobody_whose_job_was_just_claimed(account, monkeypatch):
    """Between claim and sending the accounts of other jobs are fetched; the request must be signed all the same."""
    monkeypatch.setattr(module, "CACHED_ACCOUNTS", 3)
    signing_keys.create(account.id, None, clock.now())
    cache = ConfigCache()
    cache.refresh([account.id, account.id + 1, account.id + 2])
    cache.refresh([account.id + 3])
    assert len(cache.of(account.id).keys) == 1


def test_a_full_cache_does_not_grow_forever(account, monkeypatch):
    monkeypatch.setattr(module, "CACHED_ACCOUNTS", 3)
    signing_keys.create(account.id, None, clock.now())
    cache = ConfigCache()
    for number in range(20):
        cache.refresh([account.id + number])
    assert cache.of(account.id).keys == ()
    assert cache.size <= 6
