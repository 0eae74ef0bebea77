"""Runs `booper signing-keys create|list|retire`. Each function prints its result and returns an error message or ""."""

import argparse

from models.accounts import account_store
from models.accounts.account_tables import Account
from models.database.ids import is_uuid
from models.rules.clock import SECOND
from models.rules.times import format_instant
from models.webhooks import signing_keys


def create(chosen: argparse.Namespace, now: int) -> str:
    account = account_store.account_named(chosen.account, now)
    created = signing_keys.create(account.id, None, now)
    if created is None:
        return f"the account has {signing_keys.MAX_LIVE} live signing keys; retire one of them first"
    print(created.secret)
    return ""


def list(chosen: argparse.Namespace, now: int) -> str:  # noqa: A001 - the action's name
    account = Account.get_or_none(Account.name == chosen.account)
    if account is None:
        return f"there is no account {chosen.account!r}"
    for key in signing_keys.listed(account.id):
        ends = (
            "live"
            if key.ends_at is None
            else f"{'ends' if key.ends_at > now else 'ended'} {format_instant(key.ends_at)}"
        )
        print(f"{key.uuid}  made {format_instant(key.created_at)}  {ends}{f'  {key.name}' if key.name else ''}")
    return ""


def retire(chosen: argparse.Namespace, now: int) -> str:
    account = Account.get_or_none(Account.name == chosen.account)
    if not 0 <= chosen.after <= signing_keys.LONGEST_AFTER_US / SECOND:
        return f"--after must be from 0 to {signing_keys.LONGEST_AFTER_US // SECOND} seconds, got {chosen.after}"
    ends_at = now + int(chosen.after * SECOND)
    if account and is_uuid(chosen.id) and signing_keys.retire(account.id, chosen.id.lower(), ends_at, now):
        return ""
    return f"the account {chosen.account!r} has no signing key {chosen.id!r}; `booper signing-keys list` prints them"
