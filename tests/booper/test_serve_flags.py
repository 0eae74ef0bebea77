"""The flags of `booper serve`, and --data of the others: what they set, and what they refuse."""

import pytest

from booper import cli, commands, processes, serve_flags
from models.database.connection import close_all
from runtime import settings

FLAGS = {
    "--port": ("8123", "port", 8123),
    "--host": ("::1", "host", "::1"),
    "--demo-key": ("off", "demo_key", ""),
    "--target-allow": ("10.0.0.0/8", "target_allow", "10.0.0.0/8"),
    "--public-urls": ("https://booper.example", "public_urls", "https://booper.example"),
    "--log-level": ("warning", "log_level", "WARNING"),
}
WITH_DATA = (
    ["serve"],
    ["migrate"],
    ["prune"],
    ["config"],
    ["doctor"],
    ["backup", "copy.db"],
    ["restore", "copy.db"],
    ["keys", "create", "--account", "a"],
    ["keys", "list"],
    ["keys", "revoke", "1"],
    ["signing-keys", "list", "--account", "a"],
)


def effective(words, environ=()):
    return settings.load(serve_flags.environment(cli.parser().parse_args(words), dict(environ)))


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_sets_its_setting(flag):
    text, attribute, value = FLAGS[flag]
    assert getattr(effective(["serve", flag, text]), attribute) == value


def test_every_flag_is_tried():
    assert set(FLAGS) == {flag.flag for flag in serve_flags.FLAGS} | {"--demo-key"}


def test_a_flag_wins_over_the_variable_and_no_other_setting_changes():
    environ = {"PORT": "9000", "BOOPER_HOST": "localhost"}
    assert effective(["serve", "--port", "8123"], environ) == settings.load(environ | {"PORT": "8123"})


def test_without_flags_the_environment_decides():
    environ = {"PORT": "9000", "BOOPER_DEMO_KEY": "off"}
    assert effective(["serve"], environ) == settings.load(environ)


@pytest.mark.parametrize(
    ("flag", "text", "wanted"),
    [
        ("--port", "http", "must be a port, 1 to 65535, got 'http'"),
        ("--target-allow", "everything", "must be networks joined by commas"),
        ("--demo-key", "sk_secret", "invalid choice"),
    ],
)
def test_a_wrong_value_of_a_flag_ends_with_wrong_use_and_names_the_flag(flag, text, wanted, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", flag, text])

    assert ended.value.code == commands.WRONG_USE
    assert f"argument {flag}: {wanted}" in capsys.readouterr().err


@pytest.mark.parametrize("words", WITH_DATA, ids=" ".join)
def test_data_names_the_database_of_a_folder(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("here", str(tmp_path / "here")):
        assert effective([*words, "--data", folder]).database_url == f"sqlite:///{tmp_path}/here/booper.db"


def test_config_shows_that_data_sets_the_database(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)
    assert cli.main(["config", "--data", str(tmp_path)]) == 0
    assert f"BOOPER_DATABASE_URL=sqlite:///{tmp_path}/booper.db  (set; " in capsys.readouterr().out


@pytest.mark.parametrize("command", commands.PRODUCTION)
def test_a_process_of_the_production_mode_takes_no_data(command):
    with pytest.raises(SystemExit):
        cli.parser().parse_args([command, "--data", "here"])


def test_data_and_a_variable_that_names_another_database_are_refused(tmp_path):
    with pytest.raises(settings.SettingsError, match="name two databases"):
        effective(["serve", "--data", str(tmp_path)], {"BOOPER_DATABASE_URL": "postgresql://h/n"})
    same = {"BOOPER_DATABASE_URL": f"sqlite:///{tmp_path}/booper.db"}
    assert effective(["serve", "--data", str(tmp_path)], same) == settings.load(same)


@pytest.mark.parametrize(("words", "made"), [(["serve"], True), (["keys", "list"], False)])
def test_serve_alone_makes_the_folder_and_for_its_owner_only(words, made, tmp_path, monkeypatch):
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)
    monkeypatch.setattr(processes, "serve", lambda _: 0)
    folder = tmp_path / "new" / "data"

    code = cli.main([*words, "--data", str(folder)])

    close_all()
    assert (code == 0, folder.exists()) == (made, made)
    assert not made or folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)
    (tmp_path / "file").write_text("")

    assert cli.main(["serve", "--data", str(tmp_path / "file")]) == 1
    assert f"{tmp_path}/file" in capsys.readouterr().err
