"""Which server a command asks, and with which key: of options, the environment and kept profiles."""

import json

import pytest

from booper_client.cli import profiles
from booper_client.cli.failures import Refusal
from booper_client.cli.profiles import Profile

DEFAULT, OTHER = Profile("http://kept", "sk_kept"), Profile("http://other", "sk_other")
LOCAL = "http://127.0.0.1:8000"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "path", lambda: tmp_path / "booper" / "profiles.json")
    for name in ("BOOPER_URL", "BOOPER_API_KEY", "BOOPER_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "booper" / "profiles.json"


@pytest.mark.parametrize(
    ("name", "variables", "server"),
    [
        (None, {}, DEFAULT),
        (None, {"API_KEY": "sk_e"}, Profile("http://kept", "sk_e")),
        (None, {"URL": "http://kept"}, DEFAULT),
        (None, {"URL": "http://kept", "API_KEY": "sk_e"}, Profile("http://kept", "sk_e")),
        (None, {"URL": "http://elsewhere"}, Profile("http://elsewhere", None)),
        (None, {"URL": "http://elsewhere", "API_KEY": "sk_e"}, Profile("http://elsewhere", "sk_e")),
        ("other", {}, OTHER),
        ("other", {"URL": "http://kept", "API_KEY": "sk_e", "PROFILE": "default"}, OTHER),
        (None, {"PROFILE": "other"}, OTHER),
        (None, {"PROFILE": "other", "URL": "http://kept", "API_KEY": "sk_e"}, OTHER),
        (None, {"PROFILE": ""}, DEFAULT),
    ],
)
def test_an_option_goes_before_the_environment_and_that_before_what_is_kept(file, monkeypatch, name, variables, server):
    profiles.write({"default": DEFAULT, "other": OTHER})
    for variable, text in variables.items():
        monkeypatch.setenv(f"BOOPER_{variable}", text)

    assert profiles.chosen(name) == server


@pytest.mark.parametrize(
    ("variables", "server"), [({}, Profile(LOCAL, None)), ({"API_KEY": "sk_e"}, Profile(LOCAL, "sk_e"))]
)
def test_where_nothing_is_kept_the_server_of_this_machine_is_asked(file, monkeypatch, variables, server):
    for variable, text in variables.items():
        monkeypatch.setenv(f"BOOPER_{variable}", text)

    assert profiles.chosen(None) == server


def test_a_profile_that_is_not_kept_is_named(file):
    profiles.write({"default": DEFAULT})

    with pytest.raises(Refusal, match="there is no profile 'shop'; type `booper login --profile shop`"):
        profiles.chosen("shop")


def test_what_is_written_is_read_again_and_takes_the_place_of_all_before(file):
    profiles.write({"other": OTHER, "default": DEFAULT})
    profiles.write({"other": OTHER, "third": Profile("http://third", None)})

    assert profiles.read() == {"other": OTHER, "third": Profile("http://third", None)}
    assert [each.name for each in file.parent.iterdir()] == ["profiles.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"default": {}}', '{"default": {"url": "x"}}', '{"a": 1}', "7"])
def test_a_file_that_holds_no_profiles_is_said_with_its_place(file, text):
    file.parent.mkdir()
    file.write_text(text)

    with pytest.raises(Refusal) as refusal:
        profiles.read()
    assert str(file) in str(refusal.value)


def test_no_key_is_in_a_representation(file):
    assert "sk_" not in repr(DEFAULT)
    profiles.write({"default": DEFAULT})
    assert json.loads(file.read_text())["default"]["key"] == "sk_kept"
