"""The command line: which commands a mode has, what `config` shows and hides, keys, and the exit codes."""

import contextlib
import re
import subprocess
import sys

import pytest
import tzdata

from booper import cli, commands, processes
from models.accounts import account_store
from models.database import schema
from models.database.connection import close_all, connection
from models.database.ids import is_uuid
from runtime import settings
from runtime.version import __version__
from tests.support.documents import ROOT

AMQP = "amqp://broker"
SQLITE, POSTGRES = "sqlite:///booper.db", "postgresql://u@h/n"
ANYWHERE = ("migrate", "prune", "config", "doctor", "backup", "restore", "keys", "signing-keys")
PRODUCTION = ("api", "worker", "ticker")
NEEDS_MEMORY, NEEDS_AMQP = "BOOPER_BROKER_URL must be memory:// for", "BOOPER_BROKER_URL must be amqp://"
NEEDS_POSTGRES = "BOOPER_DATABASE_URL must be postgresql://"
MODES = [
    *(
        (command, broker, url, "")
        for command in ANYWHERE
        for broker in ("memory://", AMQP)
        for url in (SQLITE, POSTGRES)
    ),
    *(("serve", "memory://", url, "") for url in (SQLITE, POSTGRES)),
    *(("serve", AMQP, url, NEEDS_MEMORY) for url in (SQLITE, POSTGRES)),
    *((command, AMQP, POSTGRES, "") for command in PRODUCTION),
    *((command, "memory://", POSTGRES, NEEDS_AMQP) for command in PRODUCTION),
    *((command, broker, SQLITE, NEEDS_POSTGRES) for command in PRODUCTION for broker in ("memory://", AMQP)),
]
IN_USE = (
    "serve could not start or go on: [Errno 98] Address already in use (127.0.0.1:8000); stop what listens there, "
    "or choose another port: `booper serve --port N` or PORT=N"
)
EXAMPLES = {
    "backup": ["backup", "copy.db"],
    "restore": ["restore", "copy.db"],
    "keys": ["keys", "list"],
    "signing-keys": ["signing-keys", "list", "--account", "acme"],
}


@pytest.fixture(autouse=True)
def configured(monkeypatch):
    """Collects the settings in place of configuring the log, which would send later tests' lines to standard error."""
    settings_of_logs = []
    monkeypatch.setattr(commands.logs, "configure", settings_of_logs.append)
    return settings_of_logs


@pytest.fixture
def booper(capsys):
    """Runs a command; its exit code, and what it printed to standard output and standard error."""

    def run(*words):
        code = cli.main(words)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def use(monkeypatch):
    """Sets the database, and with a second argument the broker."""

    def set_urls(database_url, broker_url="memory://"):
        monkeypatch.setenv("BOOPER_DATABASE_URL", database_url)
        monkeypatch.setenv("BOOPER_BROKER_URL", broker_url)

    return set_urls


@pytest.fixture
def on_database(db, use, tmp_path, request):
    """A migrated database of each kind, in the mode that it is for."""
    close_all()
    if db == "sqlite":
        use(f"sqlite:///{tmp_path}/test.db")
    else:
        use(request.getfixturevalue("postgres_url"), AMQP)


@pytest.mark.parametrize(("command", "broker", "database", "problem"), MODES)
def test_each_command_belongs_to_its_mode(command, broker, database, problem):
    effective = settings.load({"BOOPER_BROKER_URL": broker, "BOOPER_DATABASE_URL": database})
    refusal = pytest.raises(settings.SettingsError, match=problem) if problem else contextlib.nullcontext()
    with refusal:
        commands.check_mode(command, effective)


def test_an_operator_by_mail_needs_a_mail_server():
    mail = {"BOOPER_OPERATOR_ALERTS": "email=ops@example.com"}
    with pytest.raises(settings.SettingsError, match="BOOPER_SMTP_URL must be set"):
        commands.check_settings("serve", settings.load(mail))
    commands.check_settings("serve", settings.load(mail | {"BOOPER_SMTP_URL": "smtp://mail.example"}))
    commands.check_settings("serve", settings.load({"BOOPER_OPERATOR_ALERTS": "slack=https://a.example/"}))


@pytest.mark.parametrize("command", PRODUCTION)
@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("@h?foo=1", "Unknown URL parameter: 'foo'"),
        ("@h?heartbeat=soon", "Invalid heartbeat value 'soon'"),
        ("@h:port", "something can't be parsed"),
        ("@h;amqp://h:99999999", "something can't be parsed"),
        ("@h?ssl_options={}", "set BOOPER_BROKER_CA_FILE"),
    ],
)
def test_a_broker_that_no_connection_can_be_made_to_ends_with_wrong_use(command, rest, reason, booper, use):
    use(POSTGRES, f"amqp://u:c4nary{rest}")
    code, _, error = booper(command)
    assert (code, "BOOPER_BROKER_URL" in error, reason in error, "c4nary" in error) == (2, True, True, False)


@pytest.mark.parametrize("command", PRODUCTION)
def test_a_ca_of_the_broker_that_is_not_there_ends_with_wrong_use(command, booper, use, monkeypatch, tmp_path):
    use(POSTGRES, "amqps://u:c4nary@h")
    monkeypatch.setenv("BOOPER_BROKER_CA_FILE", str(tmp_path / "missing.pem"))
    code, _, error = booper(command)
    assert (code, "BOOPER_BROKER_CA_FILE must be a file that can be read" in error, "c4nary" in error) == (
        2,
        True,
        False,
    )


def test_a_database_whose_user_may_not_make_tables_is_told_in_one_line(booper, use, monkeypatch):
    use(POSTGRES)
    refused = commands.ProgrammingError("permission denied for schema public")
    monkeypatch.setattr(commands.maintenance, "migrate", lambda: (_ for _ in ()).throw(refused))
    code, _, error = booper("migrate")
    assert (code, error) == (1, f"booper: the database of BOOPER_DATABASE_URL is not usable: {refused}\n")


def test_the_table_of_modes_has_every_command():
    [commands] = [action.choices for action in cli.parser()._actions if action.dest == "command"]
    assert {row[0] for row in MODES} == set(commands)


@pytest.mark.parametrize("command", [*PRODUCTION, "serve"])
def test_a_command_of_the_other_mode_ends_with_wrong_use_and_says_why(command, booper, use):
    use(SQLITE, AMQP if command == "serve" else "memory://")
    code, out, err = booper(command)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"booper: wrong settings: BOOPER_\w+_URL must be .*`booper {command}`.*\n", err)


@pytest.mark.parametrize("command", [*PRODUCTION, "serve", *(name for name in ANYWHERE if name != "doctor")])
def test_every_command_refuses_wrong_settings_before_it_does_anything(command, booper, monkeypatch):
    monkeypatch.setenv("BOOPER_QUEUE_BUOND", "100")
    code, out, err = booper(*EXAMPLES.get(command, [command]))
    assert (code, out) == (2, "")
    problem = "BOOPER_QUEUE_BUOND is no setting, BOOPER_QUEUE_BOUND is; `booper config` lists them all"
    assert err == f"booper: wrong settings: {problem}\n"


def test_config_prints_every_setting_where_it_comes_from_and_what_it_takes(booper, monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    code, out, err = booper("config")
    assert (code, err) == (0, "")
    *lines, last = out.splitlines()
    assert [line.partition("=")[0] for line in lines] == [setting.name for setting in settings.SETTINGS]
    assert last == f"Time zones: {tzdata.IANA_VERSION} of the package tzdata"
    assert "PORT=8123  (set; a port, 1 to 65535)\n" in out
    assert "BOOPER_HOST=127.0.0.1  (default; an address of this machine, or localhost)\n" in out
    assert "BOOPER_ALLOW_HTTP=True  (default; on or off)\n" in out
    assert "BOOPER_DEMO_KEY=sk_public_20230921  (default; " in out


@pytest.mark.parametrize("password", ["c4nary", "p@c4nary", "c4nary:p", "c4nary@p:w", "c4nary//", "?c4nary&x#"])
def test_config_prints_no_password(password, booper, use, monkeypatch):
    use(f"postgresql://booper:{password}@db/booper", f"amqp://booper:{password}@broker:5672")
    monkeypatch.setenv("BOOPER_OTEL_ENDPOINT", f"https://u:{password}@collector")
    _, out, _ = booper("config")
    assert "c4nary" not in out
    assert "BOOPER_DATABASE_URL=postgresql://booper:[hidden]@db/booper  (set; " in out
    assert "BOOPER_BROKER_URL=amqp://booper:[hidden]@broker:5672  (set; " in out


def test_config_prints_neither_the_token_nor_the_operators_own_demo_key(booper, monkeypatch):
    monkeypatch.setenv("BOOPER_METRICS_TOKEN", "c4nary-c4nary-c4nary")
    monkeypatch.setenv("BOOPER_DEMO_KEY", "sk_c4nary")
    _, out, _ = booper("config")
    assert "c4nary" not in out
    assert "BOOPER_METRICS_TOKEN=[hidden]  (set; " in out
    assert "BOOPER_DEMO_KEY=[hidden]  (set; " in out


def test_config_shows_that_there_is_no_token_and_no_demo_key(booper, monkeypatch):
    monkeypatch.setenv("BOOPER_DEMO_KEY", "off")
    _, out, _ = booper("config")
    assert "BOOPER_METRICS_TOKEN=  (default; " in out
    assert "BOOPER_DEMO_KEY=  (set; " in out


def test_config_opens_no_database(booper, use, tmp_path):
    use(f"sqlite:///{tmp_path}/none.db")
    assert booper("config")[0] == 0
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("command", ["config", "migrate"])
def test_every_command_writes_the_log_as_the_settings_want_it(command, booper, use, configured, monkeypatch, tmp_path):
    use(f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setenv("BOOPER_LOG_LEVEL", "ERROR")
    booper(command)
    assert [effective.log_level for effective in configured] == ["ERROR"]


def test_a_key_is_printed_once_listed_without_its_secret_and_revoked(on_database, booper):
    code, out, _ = booper("keys", "create", "--account", "acme", "--name", "laptop")
    secret = out.strip()
    with connection():
        assert (code, account_store.account_of(secret).name) == (0, "acme")

    [listed] = booper("keys", "list")[1].splitlines()
    key_id, shown, state, account, name = listed.split()
    assert (is_uuid(key_id), state, account, name) == (True, "live", "acme", "laptop")
    assert shown == f"{secret[:6]}…{secret[-4:]}"

    assert booper("keys", "revoke", key_id) == (0, "", "")
    with connection():
        assert account_store.account_of(secret) is None
    assert booper("keys", "list")[1].split()[2] == "revoked"


@pytest.mark.parametrize("key_id", ["nope", "00000000-0000-4000-8000-000000000000"])
def test_a_key_that_is_not_there_or_was_revoked_before_cannot_be_revoked(key_id, on_database, booper):
    problem = f"booper: no living key has the id {key_id!r}; `booper keys list` prints them\n"
    assert booper("keys", "revoke", key_id) == (1, "", problem)


def test_a_key_is_revoked_only_once(on_database, booper):
    booper("keys", "create", "--account", "acme")
    key_id = booper("keys", "list")[1].split()[0]
    assert [booper("keys", "revoke", key_id)[0] for _ in range(2)] == [0, 1]


def test_a_second_key_of_an_account_is_of_the_same_account(on_database, booper):
    secrets = [booper("keys", "create", "--account", "acme")[1].strip() for _ in range(2)]
    with connection():
        assert len({account_store.account_of(secret).id for secret in secrets}) == 1
    assert secrets[0] != secrets[1]


def test_no_key_may_have_the_name_that_marks_the_demo_key(on_database, booper):
    """The next start would revoke it."""
    code, out, err = booper("keys", "create", "--account", "acme", "--name", "BOOPER_DEMO_KEY")
    assert (code, out, err) == (2, "", "booper: --name must be other than BOOPER_DEMO_KEY\n")


@pytest.mark.parametrize("words", [["keys", "list"], ["signing-keys", "create", "--account", "acme"]])
def test_in_embedded_mode_keys_are_made_before_the_first_start(words, booper, use, tmp_path):
    use(f"sqlite:///{tmp_path}/new.db")
    assert booper(*words)[0] == 0
    assert schema.pending() == []
    close_all()


@pytest.mark.parametrize("command", ["keys", "signing-keys", "prune"])
def test_in_production_a_command_says_that_the_schema_is_missing(command, booper, use, tmp_path):
    """`keys` and `signing-keys` ended with a traceback."""
    use(f"sqlite:///{tmp_path}/new.db", AMQP)
    code, out, err = booper(*EXAMPLES.get(command, [command]))
    assert (code, out) == (1, "")
    assert re.fullmatch(r"booper: the database lacks 0001_initial, .*: run `booper migrate` first\n", err)
    assert schema.pending()


@pytest.mark.parametrize("command", PRODUCTION)
def test_in_production_no_process_starts_without_the_schema(command, booper, use, postgres_url, monkeypatch):
    use(postgres_url, AMQP)
    monkeypatch.setattr(schema, "pending", lambda: ["0008_more"])
    message = "booper: the database lacks 0008_more: run `booper migrate` first\n"
    assert booper(command) == (1, "", message)


@pytest.mark.parametrize("command", [*PRODUCTION, "serve"])
def test_a_process_is_run_with_the_settings_and_its_exit_code_returned(command, booper, use, postgres_url, monkeypatch):
    use(postgres_url, "memory://" if command == "serve" else AMQP)
    monkeypatch.setattr(processes, command, lambda effective: (effective.database_url == postgres_url) * 7)
    assert booper(command) == (7, "", "")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (settings.SettingsError("BOOPER_X is wrong"), 2, "wrong settings: BOOPER_X is wrong"),
        (OSError(98, "Address already in use"), 1, IN_USE),
        (OSError(13, "Permission denied"), 1, "serve could not start or go on: [Errno 13] Permission denied"),
    ],
)
def test_an_error_that_ends_a_process_is_printed_in_one_line(error, code, message, booper, use, monkeypatch, tmp_path):
    def end(_):
        raise error

    use(f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setattr(processes, "serve", end)
    assert booper("serve") == (code, "", f"booper: {message}\n")


@pytest.mark.parametrize("command", ["migrate", "prune", "keys"])
def test_an_unreachable_database_is_printed_in_one_line_without_the_password(command, booper, use):
    use("postgresql://booper:c4nary@127.0.0.1:1/booper", AMQP)
    code, out, err = booper(*EXAMPLES.get(command, [command]))
    assert (code, out) == (1, "")
    assert err.startswith("booper: the database of BOOPER_DATABASE_URL is not usable: ")
    assert "c4nary" not in err


@pytest.mark.parametrize(
    "words", [[], ["keys"], ["keys", "create"], ["signing-keys", "list"], ["keys", "revoke"], ["serve", "now"]]
)
def test_a_command_line_that_is_wrong_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: booper" in capsys.readouterr().err


def test_a_command_that_there_is_not_ends_with_2(booper):
    code, out, err = booper("fly")

    assert (code, out) == (2, "")
    assert "No such command 'fly'" in err


def test_no_command_but_doctor_loads_what_the_doctor_needs():
    program = "import sys, booper.commands; print('booper.doctor' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout == "False\n", run.stderr


def test_a_command_of_the_client_loads_nothing_of_a_database():
    """It would begin much later."""
    program = "import sys, booper.cli, booper_client.cli.main; print({'peewee', 'psycopg'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout == "set()\n", run.stderr


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"booper {__version__}\n")


def test_python_m_booper_ends_with_the_code_of_its_command(tmp_path):
    environment = {"PATH": "", "BOOPER_NONSENSE": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "booper", "config"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("booper: wrong settings: BOOPER_NONSENSE is no setting")


@pytest.mark.parametrize("name", cli.parser().commands)
def test_the_help_of_each_command_says_what_it_is_for_as_the_list_of_commands_does(name):
    about = cli.server_commands()[name]

    assert about
    assert about in " ".join(cli.parser().format_help().split())
    assert about in " ".join(cli.parser().commands[name].format_help().split())
