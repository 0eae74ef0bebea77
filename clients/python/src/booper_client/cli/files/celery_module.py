"""Reads a `beat_schedule` from the source of a module, without running it."""

import ast
import operator
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from booper_client.cli.files.celery_times import cron_of
from booper_client.cli.files.imported import NotCarried

SCHEDULES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
ZONES = ("timezone", "CELERY_TIMEZONE")
POSITIONS = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def settings(source: str) -> tuple[list[ast.Dict], str | None]:
    """The dictionaries of schedules, and the time zone where the module names it."""
    values = list(_assigned(ast.parse(source)))
    schedules = [value for name, value in values if name in SCHEDULES and isinstance(value, ast.Dict)]
    zones = [value.value for name, value in values if name in ZONES and isinstance(value, ast.Constant)]
    return schedules, next((zone for zone in zones if isinstance(zone, str)), None)


def _assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What has a name: variables, attributes as of `app.conf`, arguments as of `app.conf.update`, keys."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((name, value) for name in map(_name, targets) if name)
            case ast.AnnAssign(target=target, value=ast.expr() as value) if name := _name(target):
                yield name, value
            case ast.keyword(arg=str(name), value=value):
                yield name, value


def _name(target: ast.expr) -> str | None:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return None


def entries(schedules: ast.Dict) -> Iterator[tuple[str, Any]]:
    """The name of each entry with its members, or with the NotCarried that says why it can't be read."""
    for key, value in zip(schedules.keys, schedules.values, strict=True):
        name = str(key.value) if isinstance(key, ast.Constant) else f"line {value.lineno}"
        try:
            yield name, evaluated(value)
        except (NotCarried, ArithmeticError, TypeError) as problem:
            yield name, problem if isinstance(problem, NotCarried) else NotCarried(str(problem))


def evaluated(node: ast.expr) -> Any:
    """The value of an expression: constants, arithmetic, and the calls that say a time."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [evaluated(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(keys):
            return {
                evaluated(key): evaluated(value) for key, value in zip(keys, values, strict=True) if key is not None
            }
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -evaluated(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            return ARITHMETIC[type(op)](evaluated(left), evaluated(right))
        case ast.Call() if (name := _name(node.func)) in ("crontab", "timedelta", "schedule"):
            return _time(str(name), node)
    raise NotCarried(f"`{ast.unparse(node)[:60]}` is known only when the module runs")


def _time(name: str, call: ast.Call) -> Any:
    """What a call of `crontab`, `timedelta` or `schedule` means."""
    values = [evaluated(argument) for argument in call.args]
    members = {str(each.arg): evaluated(each.value) for each in call.keywords}
    if name == "crontab":
        return {"cron": cron_of(dict(zip(POSITIONS, values, strict=False)) | members)}
    if name == "timedelta":
        return timedelta(*values, **members)
    return members.get("run_every", values[0] if values else None)
