"""What a sending process remembers of its accounts."""

from models.rules import clock
from models.webhooks import signing_keys
from workers.delivery import config_cache as module
from workers.delivery.config_cache import ConfigCache


def test_a_full_memory_forgets_nobody_whose_job_was_just_claimed(account, monkeypatch):
    """Between claim and sending others are asked for; the request must be signed all the same."""
    monkeypatch.setattr(module, "REMEMBERED_ACCOUNTS", 3)
    signing_keys.create(account.id, None, clock.now())
    remembered = ConfigCache()
    remembered.refresh([account.id, account.id + 1, account.id + 2])
    remembered.refresh([account.id + 3])
    assert len(remembered.of(account.id).keys) == 1


def test_a_full_memory_does_not_grow_for_ever(account, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED_ACCOUNTS", 3)
    signing_keys.create(account.id, None, clock.now())
    remembered = ConfigCache()
    for number in range(20):
        remembered.refresh([account.id + number])
    assert remembered.of(account.id).keys == ()
    assert remembered.size <= 6
