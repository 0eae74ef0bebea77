"""The databases of the tests."""

from models.database import schema
from models.database.connection import database


def empty_tables():
    """Truncate the tables that hold rows: to truncate all of them takes longer than most tests."""
    names = [name for name in database.get_tables() if name not in ("ticker", schema.TABLE)]
    looks = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608
    filled = [name for (name,) in database.execute_sql(looks).fetchall()]
    if filled:
        database.execute_sql(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE")
    database.execute_sql("UPDATE ticker SET seen_at = 0, delivered_until = 0")
