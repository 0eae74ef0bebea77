"""A connection that loses the answer to a COMMIT: the database has committed, and the client can't know."""

import contextlib

from peewee import OperationalError

from models.database.connection import database, dialect


@contextlib.contextmanager
def answer_lost(of_commit=1):
    """Within the block the answer to this COMMIT, counted over all threads, is lost with the connection."""
    opened, commits = database.obj, iter(range(1, 10**6))
    really = opened.commit

    def commit():
        really()
        if next(commits) == of_commit:
            if dialect() == "postgresql":
                opened.connection().close()
            raise OperationalError("the connection was lost before the answer")

    opened.commit = commit
    try:
        yield
    finally:
        del opened.commit
