"""Kills work at the database: before any statement, before or after any commit, as kill -9 would.

`Kills.survive` calls until it was not killed. What is killed is a thread's own work, so several threads may be killed
beside each other. `seen` and `killed_at` say which places there were, and at which of them somebody was killed.
"""

import random
import threading

from models.database.connection import database

AT_MOST = (4, 12, 40)  # statements before a kill


class Killed(BaseException):
    """The process is gone. No code of the product catches it."""


class Kills:
    def __init__(self, seed, share=0.6):
        self.dice, self.share = random.Random(seed), share  # noqa: S311 - a history, no secret
        self.seen, self.killed_at = set(), set()
        self._mine = threading.local()

    def install(self, monkeypatch):
        opened = database.obj
        monkeypatch.setattr(opened, "execute_sql", self._before(opened.execute_sql))
        monkeypatch.setattr(opened, "commit", self._around(opened.commit))
        return self

    def survive(self, work):
        while True:
            self._mine.left = (
                self.dice.randrange(self.dice.choice(AT_MOST)) if self.dice.random() < self.share else None
            )
            try:
                return work()
            except Killed:
                assert not database.in_transaction()
            finally:
                self._mine.left = None

    def _before(self, execute):
        def execute_sql(sql, *arguments):
            self._pass(sql[:60] if "SAVEPOINT" not in sql else "SAVEPOINT")  # each has a name of its own
            return execute(sql, *arguments)

        return execute_sql

    def _around(self, commit):
        def commit_it():
            try:
                self._pass("before a commit")
            except Killed:
                database.rollback()  # as the database does when it loses a process
                raise
            commit()
            self._pass("after a commit")

        return commit_it

    def _pass(self, place):
        left = getattr(self._mine, "left", None)
        if left is None:
            return
        self.seen.add(place)
        self._mine.left = left - 1
        if left == 0:
            self.killed_at.add(place)
            raise Killed
