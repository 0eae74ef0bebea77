"""Parses and runs the command line. `booper --help` lists the commands.

Those that ask a running server are a matter of `booper/client_commands.py`.
"""

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from peewee import ProgrammingError

from booper import backups, client_commands, maintenance, serve_flags
from models.accounts import account_store
from models.alerts.ways import EMAIL, read_targets
from models.database import schema
from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection, open_database
from models.database.ids import is_uuid
from models.rules import clock, zone_data
from runtime import logs, settings
from runtime.settings import DEMO_KEY, SETTINGS, Settings, SettingsError, without_password
from runtime.version import __version__

WRONG_USE = 2
PRODUCTION = ("api", "worker", "ticker")
WITHOUT_SCHEMA = ("migrate", "doctor", "backup", "restore")


class Parser(argparse.ArgumentParser):
    """Its help lists the commands of the client too. `commands`: those of the server."""

    commands: Mapping[str, argparse.ArgumentParser]

    def format_help(self) -> str:
        return super().format_help() + client_commands.listed()


def parser() -> Parser:
    top = Parser(prog="booper", description="A self-hosted scheduler of HTTP requests.")
    top.add_argument("--version", action="version", version=f"booper {__version__}")
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser
    )
    data = [serve_flags.data()]
    serve_flags.add_to(add_command(commands, "serve", "everything in one process (embedded mode)", data))
    add_command(commands, "api", "the API under gunicorn (production mode)")
    add_command(commands, "worker", "sending processes and a ticker (production mode)")
    add_command(commands, "ticker", "a ticker alone; `worker` starts its own")
    add_command(commands, "migrate", "bring the schema up to date", data)
    about = "delete now the jobs that are kept no longer; the ticker does it by itself"
    add_command(commands, "prune", about, data)
    add_command(commands, "config", "print the effective settings", data)
    add_doctor(commands, data)
    copied = "copy the database of `booper serve` into a new file, while it runs"
    add_command(commands, "backup", copied, data).add_argument("file", metavar="FILE")
    put_back = "put a backup in the place of the database of `booper serve`, which must be stopped"
    add_command(commands, "restore", put_back, data).add_argument("file", metavar="FILE")
    keys = add_command(commands, "keys", "API keys").add_subparsers(dest="action", required=True, metavar="ACTION")
    create = keys.add_parser("create", parents=data, help="make a key and print it, this once")
    create.add_argument("--account", required=True, help="whose key it is; a new name makes a new account")
    create.add_argument("--name", default="", help="what the key is for")
    keys.add_parser("list", parents=data, help="list all keys")
    keys.add_parser("revoke", parents=data, help="stop a key").add_argument("id", help="its id, as `list` prints it")
    add_signing_keys(commands, data)
    top.commands = commands.choices
    return top


def add_command(
    commands: Any, name: str, about: str, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.ArgumentParser:
    """Declare a command with what it is for: in the list of commands, in its own help and in completion."""
    added: argparse.ArgumentParser = commands.add_parser(name, parents=parents, help=about, description=about)
    return added


def server_commands() -> dict[str, str]:
    """The commands of the server with what they are for."""
    return {name: command.description or "" for name, command in parser().commands.items()}


def add_doctor(commands: Any, data: list[argparse.ArgumentParser]) -> None:
    about = "look at settings, database, broker, clocks, names and disks, and say what to do"
    doctor = add_command(commands, "doctor", about, data)
    doctor.epilog = "Exit code: 1 if an error was found."
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--target", action="append", default=[], metavar="URL", help="send HEAD to this URL too")
    doctor.add_argument("--management", metavar="URL", help="the management plugin (http://HOST:15672 of the broker)")
    doctor.add_argument("--test-alerts", action="store_true", help="send a test message to the operator's targets")


def add_signing_keys(commands: Any, data: list[argparse.ArgumentParser]) -> None:
    about = "secrets that sign what is sent on behalf of an account"
    signing = add_command(commands, "signing-keys", about)
    actions = signing.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", parents=data, help="make a key and print its secret, this once")
    shown = actions.add_parser("list", parents=data, help="list the account's keys, without their secrets")
    retire = actions.add_parser("retire", parents=data, help="let a key end")
    retire.add_argument("id", help="its id, as `list` prints it")
    retire.add_argument("--after", type=float, default=0, help="seconds for which it goes on signing")
    for action in (create, shown, retire):
        action.add_argument("--account", required=True, help="whose keys; `create` makes a new account")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 (failed) or 2 (wrong use or settings)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    of_server = server_commands()
    if client_commands.is_for_client(words, of_server):
        return client_commands.run(words, of_server)
    chosen = parser().parse_args(words)
    try:
        environ = serve_flags.environment(chosen, os.environ)
        effective = settings.load(environ)
        check_mode(chosen.command, effective)
    except SettingsError as error:
        if chosen.command == "doctor":
            from booper.doctor import diagnosis

            return diagnosis.wrong_settings(str(error), chosen.json)
        return fail(f"wrong settings: {error}", WRONG_USE)
    logs.configure(effective)
    if chosen.command == "config":
        return config(effective, environ)
    try:
        serve_flags.make_folder(chosen)
        open_database(effective.database_url, effective.database_connections)
        return run(chosen, effective)
    except SettingsError as error:
        return fail(f"wrong settings: {error}", WRONG_USE)
    except OSError as error:
        return fail(f"{chosen.command} could not start or go on: {error}{way_out(error, effective)}")
    except (*DatabaseUnreachable, ProgrammingError) as error:  # the latter where a right is missing
        return fail(f"the database of BOOPER_DATABASE_URL is not usable: {str(error).strip()}")


def run_without_schema(chosen: argparse.Namespace, effective: Settings) -> int:
    """Run a command that needs no migrated database, or that makes one."""
    if chosen.command == "doctor":
        from booper.doctor import diagnosis

        return diagnosis.doctor(effective, chosen)
    try:
        if chosen.command == "migrate":
            return maintenance.migrate()
        return int(getattr(backups, chosen.command)(effective, chosen.file))
    except (schema.TableIsHeld, backups.Impossible) as refusal:
        return fail(str(refusal))


def run(chosen: argparse.Namespace, effective: Settings) -> int:
    if chosen.command in WITHOUT_SCHEMA:
        return run_without_schema(chosen, effective)
    if (not effective.embedded or chosen.command == "prune") and (missing := schema.pending()):
        return fail(f"the database lacks {', '.join(missing)}: run `booper migrate` first")
    if chosen.command == "keys":
        return keys(chosen, effective)
    if chosen.command == "signing-keys":
        return signing_keys(chosen, effective)
    if chosen.command == "prune":
        return maintenance.prune(effective)
    from booper import processes

    return int(getattr(processes, chosen.command)(effective))


def way_out(error: OSError, effective: Settings) -> str:
    if error.errno != errno.EADDRINUSE:
        return ""
    address = f"{effective.host}:{effective.port}"
    return f" ({address}); stop what listens there, or choose another port: `booper serve --port N` or PORT=N"


def check_mode(command: str, effective: Settings) -> None:
    """Raise SettingsError if the command does not belong to the mode of the settings."""
    if not effective.smtp_url and any(target.way == EMAIL for target in read_targets(effective.operator_alerts)):
        raise SettingsError(
            "BOOPER_SMTP_URL must be set where BOOPER_OPERATOR_ALERTS has an e-mail address, got nothing"
        )
    if command == "serve" and not effective.embedded:
        raise SettingsError(
            "BOOPER_BROKER_URL must be memory:// for `booper serve`; with RabbitMQ run `booper api` and `booper worker`"
        )
    if command in PRODUCTION and effective.sqlite_file:
        raise SettingsError(
            f"BOOPER_DATABASE_URL must be postgresql://… for `booper {command}`: SQLite is for `booper serve`"
        )
    if command in PRODUCTION and effective.embedded:
        raise SettingsError(f"BOOPER_BROKER_URL must be amqp://… for `booper {command}`; without it run `booper serve`")
    if command in PRODUCTION:
        check_broker(effective)


def check_broker(effective: Settings) -> None:
    """Raise SettingsError if no connection to RabbitMQ can be made with the settings."""
    from workers.queue.nodes import parameters

    parameters(effective)


def config(effective: Settings, environ: Mapping[str, str]) -> int:
    """Print every setting with its effective value, whether `environ` sets it, and where the time zones come from.
    Hides passwords and secrets, but not the well-known demo key."""
    for setting in SETTINGS:
        value = getattr(effective, setting.attribute)
        source = "set" if setting.name in environ else "default"
        hidden = setting.secret and value not in ("", DEMO_KEY)
        shown = "[hidden]" if hidden else without_password(str(value))
        print(f"{setting.name}={shown}  ({source}; {setting.form.accepted})")
    zone_data.prefer_package()  # as each process does that reads a zone
    print(f"Time zones: {zone_data.source()}")
    return 0


def keys(chosen: argparse.Namespace, effective: Settings) -> int:
    if effective.embedded:
        schema.migrate()
    with connection():
        if chosen.action == "create" and chosen.name == account_store.DEMO_KEY_NAME:
            return fail(f"--name must be other than {account_store.DEMO_KEY_NAME}", WRONG_USE)
        if chosen.action == "create":
            account = account_store.account_named(chosen.account, clock.now())
            print(account_store.create_key(account, chosen.name, clock.now())[1])
            return 0
        if chosen.action == "revoke":
            revoked = is_uuid(chosen.id) and account_store.revoke_key(chosen.id, clock.now())
            return 0 if revoked else fail(f"no living key has the id {chosen.id!r}; `booper keys list` prints them")
        for key in account_store.list_keys():
            state = "revoked" if key.revoked_at else "live"
            print(f"{key.uuid}  {key.shown_as}  {state:7}  {key.account.name}  {key.name}")
        return 0


def signing_keys(chosen: argparse.Namespace, effective: Settings) -> int:
    if effective.embedded:
        schema.migrate()
    from booper import signing_keys as actions

    with connection():
        problem = getattr(actions, chosen.action)(chosen, clock.now())
    return fail(problem) if problem else 0


def fail(message: str, code: int = 1) -> int:
    print(f"booper: {message}", file=sys.stderr)
    return code
