"""Runs a command of the server: with its settings, on its database."""

import argparse
import errno
import os
import sys
from collections.abc import Mapping

from peewee import ProgrammingError

from booper import backups, maintenance, serve_flags
from models.accounts import account_store
from models.alerts.ways import EMAIL, read_targets
from models.database import schema
from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection, open_database
from models.database.ids import is_uuid
from models.rules import clock, zone_data
from runtime import logs, settings
from runtime.settings import DEMO_KEY, SETTINGS, Settings, SettingsError, without_password

WRONG_USE = 2
PRODUCTION = ("api", "worker", "ticker")
WITHOUT_SCHEMA = ("migrate", "doctor", "backup", "restore")


def carry_out(chosen: argparse.Namespace) -> int:
    """Run the command that was chosen; returns its exit code."""
    try:
        environ = serve_flags.environment(chosen, os.environ)
        effective = settings.load(environ)
        check_settings(chosen.command, effective)
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


def check_settings(command: str, effective: Settings) -> None:
    """Raise SettingsError where settings contradict each other, or the command."""
    check_mode(command, effective)
    check_mail(effective)
    if command in PRODUCTION:
        check_broker(effective)


def check_mode(command: str, effective: Settings) -> None:
    """Raise SettingsError if the command does not belong to the mode of the settings."""
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


def check_mail(effective: Settings) -> None:
    """Raise SettingsError if the operator is to get e-mails and there is no server for them."""
    if not effective.smtp_url and any(target.way == EMAIL for target in read_targets(effective.operator_alerts)):
        raise SettingsError(
            "BOOPER_SMTP_URL must be set where BOOPER_OPERATOR_ALERTS has an e-mail address, got nothing"
        )


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
