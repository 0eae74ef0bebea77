"""Makes rows of the log with the instants that a test gives them; the product raises instants that come late."""

from models.jobs.job_tables import LogEntry


def insert_log_rows(rows):
    LogEntry.insert_many([row._asdict() for row in rows]).execute()
