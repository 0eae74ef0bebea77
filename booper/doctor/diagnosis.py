"""Runs `booper doctor`: chooses the checks, and prints what they found as text or as JSON."""

import argparse
import json
from collections.abc import Sequence
from functools import partial

from booper.doctor.broker_checks import REACH, check_broker
from booper.doctor.database_checks import check_clocks, check_postgres
from booper.doctor.egress_checks import check_egress, check_names
from booper.doctor.finding import ERROR, LEVELS, OK, Check, Finding, worst
from booper.doctor.operator_checks import check_operator, send_tests
from booper.doctor.process_checks import check_processes
from booper.doctor.running_checks import run_checks
from booper.doctor.settings_checks import check_settings
from booper.doctor.sqlite_checks import check_disks, check_sqlite
from runtime.settings import Settings

LIMIT_S = 15.0
MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "error": "ERROR  "}
DATABASE = "Is the database up, and is BOOPER_DATABASE_URL right? `booper config` prints it."


def doctor(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print what every check finds; 1 if one of them is an error, else 0."""
    chosen_checks = checks(settings, chosen.target, chosen.management)
    if chosen.test_alerts:
        chosen_checks.append(Check("operator", partial(send_tests, settings), "Try again."))
    findings = run_checks(chosen_checks, LIMIT_S)
    return show(findings, chosen.json)


def show(findings: Sequence[Finding], as_json: bool) -> int:
    print(json_of(findings) if as_json else text_of(findings))
    return int(worst(findings) == ERROR)


def wrong_settings(problem: str, as_json: bool) -> int:
    """The diagnosis where the settings can't be read: nothing else can be checked."""
    return show([Finding("settings", ERROR, problem, "Correct the environment, then run this again.")], as_json)


def checks(settings: Settings, targets: Sequence[str] = (), management: str | None = None) -> list[Check]:
    """What fits the mode of the settings, each with what to do when it can't be finished."""
    file = settings.sqlite_file
    room = Check("disk", partial(check_disks, settings), "Look at the disk by hand.")
    chosen = [Check("settings", partial(check_settings, settings), "Look at `booper config`.")]
    if file:
        chosen.append(Check("database", partial(check_sqlite, file), DATABASE))
    else:
        chosen += [
            Check("database", partial(check_postgres, settings), DATABASE),
            Check("clocks", check_clocks, DATABASE),
        ]
    if not file or file.exists():
        chosen += [Check("processes", check_processes, DATABASE), Check("names", check_names, DATABASE)]
        chosen.append(Check("operator", partial(check_operator, settings), DATABASE))
    broker = Check("broker", partial(check_broker, settings, management), REACH)
    egress = Check("egress", partial(check_egress, settings, targets), "Look at the firewall of this host.")
    return [*chosen, broker, egress, room]


def text_of(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.level]} {finding.subject}: {finding.text}")
        if finding.advice and finding.level != OK:
            lines.append(f"        -> {finding.advice}")
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    return "\n".join([*lines, f"{counts['error']} errors, {counts['warning']} warnings"])


def json_of(findings: Sequence[Finding]) -> str:
    """`status` is the worst level; `findings` has an object for each, with `subject`, `level`, `text`, `advice`."""
    document = {"status": worst(findings), "findings": [finding._asdict() for finding in findings]}
    return json.dumps(document, ensure_ascii=False, indent=2)
