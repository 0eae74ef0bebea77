"""Hooks into gunicorn's master: gives each worker a seat, adds up the metrics of ended workers, formats log lines.

Used as `--config python:api.server.gunicorn_hooks` and `--logger-class api.server.gunicorn_hooks.Logger`.
"""

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from api.server import accept_balance
from runtime import logs, metrics_files, metrics_folding, settings, tracing


def pre_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    worker.seat = accept_balance.take_seat()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001
    """A worker has ended: keep its counts in the totals and drop its gauges."""
    accept_balance.leave_seat(worker.seat)
    shared = metrics_files.directory()
    if shared:
        metrics_folding.Folding(shared)()


def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001
    """In the worker that ends: send the remaining spans."""
    tracing.stop()


def on_exit(server: Any) -> None:  # noqa: ARG001
    shared = metrics_files.directory()
    if shared:
        metrics_files.remove(shared)


class Logger(GunicornLogger):
    """Writes gunicorn's messages in the form of all others. No access log: Booper writes its own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        effective = settings.load()
        logs.configure(effective)
        for output in list(self.error_log.handlers):
            self.error_log.removeHandler(output)
        self.error_log.propagate = True
        self.error_log.setLevel(max(self.loglevel, logging.INFO))  # below, it logs the path of every request
