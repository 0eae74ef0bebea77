"""Types the commands of the server: settings, keys, signing keys, backups, upkeep, and what is refused."""

import re
from pathlib import Path

from booper import cli, commands
from models.database.connection import close_all, database

ZONES = re.compile(r"(?<=Time zones: )\S+ of")
SET = {
    "BOOPER_BROKER_URL": "amqp://user:s3cret@broker.example/v",
    "BOOPER_DATABASE_URL": "postgresql://user:s3cret@db.example/n",
    "BOOPER_METRICS_TOKEN": "s3cret",
    "BOOPER_DEMO_KEY": "off",
    "BOOPER_SMTP_URL": "smtps://u:s3cret@mail.example",
    "BOOPER_OPERATOR_ALERTS": "slack=https://hooks.slack.example/s3cret",
    "BOOPER_PUBLIC_URLS": "https://booper.example/prefix",
    "BOOPER_MAX_TIMEOUT_SECONDS": "77",
}
WRONG = (
    {"BOOPER_NONSENSE": "1"},
    {"BOOPER_MAX_TIMEOUTS": "1"},
    {"PORT": "x"},
    {"BOOPER_DATABASE_URL": "mysql://x"},
    {"BOOPER_BROKER_URL": "redis://x"},
    {"BOOPER_ALLOW_HTTP": "maybe"},
    {"BOOPER_KEEP_COMPLETED_DAYS": "-1"},
    {"BOOPER_SLOT_SHARE": "2"},
    {"BOOPER_TARGET_ALLOW": "10.0.0.1/8"},
    {"BOOPER_OPERATOR_ALERTS": "fax=1"},
    {"BOOPER_OPERATOR_ALERTS": "email=a@b.example"},
    {"BOOPER_LOG_LEVEL": "LOUD"},
    {"BOOPER_HOST": "1.2.3"},
    {"BOOPER_PUBLIC_URLS": "booper.example"},
    {"BOOPER_HORIZON_DAYS": "0", "BOOPER_API_PROCESSES": "0"},
)


class ServerShell:
    """`type(*words)` runs a command in a folder of its own, as the first process there."""

    def __init__(self, scene, capsys):
        self.scene, self.capsys = scene, capsys
        scene.monkeypatch.setattr(commands.logs, "configure", lambda _: None)

    def type(self, *words, **environ):
        with self.scene.monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            self.capsys.readouterr()
            code = ended(words)
            printed = self.capsys.readouterr()
        if database.obj is not None:
            close_all()
        set_first = " ".join(f"{name}={value}" for name, value in environ.items())
        self.scene.write(
            f"\n$ {set_first + ' ' if environ else ''}booper {' '.join(words)}"
            + (f"   (ends with {code})" if code else "")
        )
        out = ZONES.sub("VERSION of", printed.out)
        self.scene.write("\n".join([*out.splitlines(), *(f"| {line}" for line in printed.err.splitlines())]))
        return printed.out


def ended(words):
    try:
        return cli.main(words)
    except SystemExit as end:  # argparse's
        return end.code


def play(scene, shell):
    scene.begin_page("server_commands")
    Path("data").mkdir()
    scene.title("Settings")
    shell.type("config", "--data", "data")
    shell.type("config", **SET)
    for environ in WRONG:
        shell.type("config", **environ)
    scene.title("Modes")
    for command in ("serve", "api", "worker", "ticker"):
        shell.type(command, BOOPER_BROKER_URL="amqp://broker", BOOPER_DATABASE_URL="sqlite:///x.db")
    shell.type("api", BOOPER_DATABASE_URL="postgresql://h/n")
    scene.title("Keys")
    keys(scene, shell)
    scene.title("Upkeep")
    shell.type("prune", "--data", "data")
    shell.type(
        "prune",
        "--data",
        "data",
        BOOPER_KEEP_COMPLETED_DAYS="0",
        BOOPER_KEEP_DISCARDED_DAYS="0",
        BOOPER_KEEP_CANCELLED_DAYS="0",
    )
    shell.type("migrate", "--data", "data")
    shell.type("keys", "list", "--data", "nowhere")
    shell.type("backup", "--data", "none", "copy.db")
    shell.type("backup", "copy.db", BOOPER_DATABASE_URL="postgresql://h/n")
    shell.type("restore", "--data", "data", "missing.db")
    shell.type("unknown-command")
    shell.type("--version")


def keys(scene, shell):
    shell.type("keys", "create", "--data", "data", "--account", "acme", "--name", "first")
    scene.clock.advance(seconds=1)
    shell.type("keys", "create", "--data", "data", "--account", "other")
    scene.clock.advance(seconds=1)
    shell.type("keys", "create", "--data", "data", "--account", "acme", "--name", "BOOPER_DEMO_KEY")
    first = shell.type("keys", "list", "--data", "data").split()[0]
    shell.type("keys", "revoke", "--data", "data", first)
    shell.type("keys", "revoke", "--data", "data", first)
    shell.type("keys", "list", "--data", "data")
    shell.type("signing-keys", "list", "--data", "data", "--account", "none")
    for _ in range(3):
        shell.type("signing-keys", "create", "--data", "data", "--account", "acme")
        scene.clock.advance(seconds=1)
    first = shell.type("signing-keys", "list", "--data", "data", "--account", "acme").split()[0]
    shell.type("signing-keys", "retire", "--data", "data", "--account", "acme", first, "--after", "90")
    shell.type("signing-keys", "retire", "--data", "data", "--account", "other", first)
    shell.type("signing-keys", "retire", "--data", "data", "--account", "acme", first, "--after", "-1")
    shell.type("signing-keys", "list", "--data", "data", "--account", "acme")
    scene.clock.advance(seconds=91)
    shell.type("signing-keys", "list", "--data", "data", "--account", "acme")
