"""The form of an API key: 160 random bits and a checksum, of which only a digest is kept."""

from models.accounts import account_store, key_format
from models.accounts.account_tables import ApiKey
from models.rules import clock


def test_a_new_key_is_well_formed_and_never_the_same():
    first, second = key_format.new_key(), key_format.new_key()
    assert first != second
    assert key_format.well_formed(first)
    assert len(first) == 36


def test_a_key_with_one_character_changed_is_not_well_formed():
    key = key_format.new_key()
    assert not key_format.well_formed(key[:5] + ("A" if key[5] != "A" else "B") + key[6:])
    assert not key_format.well_formed(key[:-1])
    assert not key_format.well_formed("sk_" + "é" * 33)


def test_only_the_digest_of_a_key_is_stored(account):
    row, secret = account_store.create_key(account, "ci", clock.now())
    stored = " ".join(str(value) for value in ApiKey.select().where(ApiKey.id == row.id).tuples().get())
    assert secret not in stored
    assert key_format.digest(secret) in stored


def test_a_key_acts_for_its_account_until_it_is_revoked(account):
    row, secret = account_store.create_key(account, "ci", clock.now())
    assert account_store.account_of(secret).id == account.id
    assert account_store.revoke_key(row.uuid, clock.now())
    assert account_store.account_of(secret) is None
    assert not account_store.revoke_key(row.uuid, clock.now())


def test_switching_the_demo_off_stops_its_key(db):
    account_store.ensure_demo_key("sk_demo_12345", clock.now())
    assert account_store.account_of("sk_demo_12345").name == "demo"
    account_store.ensure_demo_key("", clock.now())
    assert account_store.account_of("sk_demo_12345") is None
    account_store.ensure_demo_key("sk_demo_12345", clock.now())
    assert account_store.account_of("sk_demo_12345").name == "demo"


def test_the_demo_setting_touches_no_key_that_it_did_not_make(db):
    account = account_store.account_named("demo", clock.now())
    _, mine = account_store.create_key(account, "mine", clock.now())
    revoked, old = account_store.create_key(account, "old", clock.now())
    account_store.revoke_key(revoked.uuid, clock.now())

    for setting in ("sk_demo_12345", old, ""):
        account_store.ensure_demo_key(setting, clock.now())

    assert account_store.account_of(mine).name == "demo"
    assert account_store.account_of(old) is None
    assert account_store.account_of("sk_demo_12345") is None
