"""The integers of the rows: none is in two tables, so an integer in a text says which row is meant."""

import re

from models.accounts import account_tables
from models.alerts import alert_tables
from models.database.base import BaseModel
from models.flows import gate_tables
from models.jobs import job_tables
from models.operations import heartbeat_tables, operation_tables
from models.operations.listening import listener_tables
from models.operations.operator_alerts import watch_tables
from models.schedules import schedule_tables
from models.schedules.backfills import backfill_tables
from models.webhooks import webhook_tables

DECLARED = (
    *(account_tables, alert_tables, gate_tables, job_tables, heartbeat_tables, operation_tables, listener_tables),
    *(watch_tables, schedule_tables, backfill_tables, webhook_tables),
)
TABLES = sorted(BaseModel.__subclasses__(), key=lambda table: table._meta.table_name)
FIRST, OF_EACH, FRESH = 77_000_000, 10_000, 5_000
A_NUMBER = re.compile(r"(?<![0-9.])77[0-9]{6}(?![0-9])")


def is_counted(table):
    """Whether the database counts the rows."""
    key = table._meta.primary_key
    return bool(key) and getattr(key, "field_type", "") == "BIGAUTO"


BASES = {table._meta.table_name: FIRST + OF_EACH * place for place, table in enumerate(TABLES)}
COUNTED = [table._meta.table_name for table in TABLES if is_counted(table)]


def numbered(table_name, names):
    """The integers of rows with these names, which ascend in the order of the names."""
    return {name: BASES[table_name] + place for place, name in enumerate(names.split(), 1)}
