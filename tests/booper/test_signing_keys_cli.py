"""`booper signing-keys`: the secret once, the list without it, the end of a key."""

import pytest

from booper import cli, commands
from models.rules import clock, signatures
from models.webhooks import signing_keys


@pytest.fixture
def booper(tmp_path, monkeypatch, capsys):
    """Runs a command on a database of its own; its exit code and what it printed."""
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)  # it would keep the captured stream for ever
    monkeypatch.setenv("BOOPER_DATABASE_URL", f"sqlite:///{tmp_path}/cli.db")

    def run(*words):
        code = cli.main(["signing-keys", *words])
        printed = capsys.readouterr()
        return code, printed.out.strip(), printed.err

    return run


def test_a_key_is_made_listed_without_its_secret_and_retired(booper):
    code, secret, _ = booper("create", "--account", "acme")
    assert (code, len(signatures.key_of(secret))) == (0, 32)

    _, listed, _ = booper("list", "--account", "acme")
    assert listed.endswith(" live")
    assert secret.removeprefix("whsec_") not in listed
    assert booper("retire", listed.split()[0], "--account", "acme", "--after", "60")[0] == 0
    assert " ends 20" in booper("list", "--account", "acme")[1]
    assert booper("retire", listed.split()[0], "--account", "acme")[0] == 0
    assert " ended 20" in booper("list", "--account", "acme")[1]


def test_a_third_key_and_an_unknown_one_are_refused_with_the_reason(booper):
    booper("create", "--account", "acme")
    booper("create", "--account", "acme")
    assert "2 live signing keys" in booper("create", "--account", "acme")[2]
    code, _, problem = booper("retire", "nope", "--account", "acme")
    assert (code, "no signing key 'nope'" in problem) == (1, True)
    assert "no account 'other'" in booper("list", "--account", "other")[2]
    assert "--after must be" in booper("retire", "nope", "--account", "acme", "--after", "-1")[2]


@pytest.mark.parametrize(("after", "ends"), [(None, "ended 2026-01-01T09:00:00"), ("90", "ends 2026-01-01T09:01:30")])
def test_a_retired_key_ends_after_so_many_seconds(after, ends, booper, moved_clock):
    booper("create", "--account", "acme")
    key_id = booper("list", "--account", "acme")[1].split()[0]
    later = ["--after", after] if after else []
    assert booper("retire", key_id.upper(), "--account", "acme", *later)[0] == 0
    assert f" {ends}" in booper("list", "--account", "acme")[1]


def test_a_key_may_go_on_signing_for_a_week_and_no_longer(booper):
    """The limit is that of the API."""
    booper("create", "--account", "acme")
    key_id = booper("list", "--account", "acme")[1].split()[0]
    longest = signing_keys.LONGEST_AFTER_US // clock.SECOND
    code, _, problem = booper("retire", key_id, "--account", "acme", "--after", str(longest + 1))
    assert (code, problem) == (1, f"booper: --after must be from 0 to {longest} seconds, got {longest + 1}.0\n")
    assert booper("retire", key_id, "--account", "acme", "--after", str(longest))[0] == 0


def test_a_key_of_another_account_is_not_retired(booper):
    booper("create", "--account", "acme")
    booper("create", "--account", "other")
    key_id = booper("list", "--account", "acme")[1].split()[0]
    assert booper("retire", key_id, "--account", "other")[0] == 1
    assert booper("list", "--account", "acme")[1].endswith(" live")
