"""Starts each kind of process from its parts: serve (everything in one), api, worker, ticker."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from booper import metrics_page
from booper.greeting import greet
from booper.supervisor import Child, supervise
from booper.watchdog import Watchdog
from models.accounts import account_store
from models.database import schema
from models.database.connection import connection
from models.rules import clock
from runtime import gc_tuning, metrics_files, metrics_folding, signals, systemd, tracing, waitress_servers
from runtime.settings import Settings
from runtime.signals import StopSignals
from workers.queue.threads import THREADS

log = logging.getLogger("booper")
API_THREADS = 8  # of each process
EMBEDDED_THREADS = 16
EMBEDDED_CONNECTIONS = 1000


def prepare_database(settings: Settings) -> None:
    """Bring the schema up to date (embedded mode only); make or revoke the demo key as the settings say."""
    if settings.embedded:
        if lacking := schema.pending():
            log.info("applying %s migrations to the database, up to %s", len(lacking), lacking[-1])
        schema.migrate()
    with connection():
        account_store.ensure_demo_key(settings.demo_key, clock.now())


def warn_if_held(settings: Settings) -> None:
    if settings.hold:
        log.warning("BOOPER_HOLD is on: nothing is planned, sent or deleted until it is off and this process restarted")


def serve(settings: Settings) -> int:
    """API, in-process broker, worker and ticker in this one process, until SIGTERM or Ctrl-C."""
    import waitress

    from api import create_app
    from api.server.waitress_channel import adapt
    from workers.embedded import Embedded, Held
    from workers.operator_watch.watch import Watch

    prepare_database(settings)
    tracing.configure(settings, "serve")
    server = waitress.create_server(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        threads=EMBEDDED_THREADS,
        max_request_body_size=2 * max(settings.max_body_bytes, settings.max_batch_bytes),
        clear_untrusted_proxy_headers=False,  # no code trusts them, and /metrics looks for them
        ident=None,
        asyncore_use_poll=True,  # select() fails beyond file 1,024, and senders open more
        connection_limit=EMBEDDED_CONNECTIONS,
        channel_timeout=settings.keep_alive_s,
        cleanup_interval=5,  # how often it looks for idle connections
    )
    adapt(server)
    warn_if_held(settings)
    embedded = Held() if settings.hold else Embedded(settings)
    embedded.start()
    watchdog = Watchdog(settings, embedded.works)
    watchdog.start()
    watch = Watch(settings)
    watch.start()
    gc_tuning.exempt_all()
    greet(settings)
    systemd.notify(systemd.READY)
    try:
        run_until_signal(server, lambda: stop_serving(server), embedded.abandon)
    finally:
        log.info("stopping: requests under way have %s s", settings.shutdown_grace_s)
        server.task_dispatcher.shutdown(True, 5)
        watchdog.stop()
        watch.stop()
        server.close()
        embedded.stop()
    return 0


def stop_serving(server: Any) -> None:
    """Free the port and end live logs. Requests under way go on."""
    from api.server.waitress_channel import stop_listening

    signals.stopping.set()
    stop_listening(server)


def run_until_signal(server: Any, on_stop: Callable[[], None], abandon: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then call `on_stop`; a second signal calls `abandon` and ends the process at once.

    The handler wakes the loop, and raises nothing: an exception could come where the loop has just taken a lock."""
    received, stops = signals.Flag(), StopSignals()
    wake = waitress_servers.waker(server)

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        if stops.is_second():
            try:
                abandon()
            finally:
                os._exit(128 + signum)
        if not received.is_set():
            received.set()
            wake()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, on_signal)
    waitress_servers.run_until(server, received)
    on_stop()


def api(settings: Settings) -> int:
    """Become gunicorn serving booper/wsgi.py. Does not return."""
    prepare_database(settings)
    metrics_files.make_directory()
    os.execv(  # noqa: S606 - no shell is wanted
        sys.executable,
        [
            *(sys.executable, "-P", "-m", "booper.gunicorn_command", "booper.wsgi:app"),
            *("--bind", f"{settings.host}:{settings.port}"),
            *("--workers", str(settings.api_processes)),
            *("--worker-class", "api.server.gunicorn_worker.Worker", "--threads", str(API_THREADS)),
            *("--graceful-timeout", str(int(settings.stop_delay_s + settings.shutdown_grace_s)), "--timeout", "60"),
            *("--keep-alive", str(settings.keep_alive_s), "--log-level", settings.log_level.lower()),
            *("--limit-request-line", "8190", "--no-control-socket"),
            *("--config", "python:api.server.gunicorn_hooks", "--logger-class", "api.server.gunicorn_hooks.Logger"),
        ],
    )


def worker(settings: Settings) -> int:
    """Keep Dramatiq's processes and a ticker running until SIGTERM."""
    dramatiq = [
        *(sys.executable, "-P", "-m", "workers", "workers.app:broker"),
        *("--processes", str(settings.worker_processes), "--threads", str(THREADS)),
        *("--worker-shutdown-timeout", str(int(settings.shutdown_grace_s * 1000)), "--skip-logging"),
        "--path",  # no value: Dramatiq would look for modules in the working directory first
    ]
    os.environ.setdefault("dramatiq_restart_delay", "1000")  # ms until a consumer connects to RabbitMQ again
    senders = [] if settings.hold else [Child("worker", dramatiq)]
    children = [*senders, Child("ticker", [sys.executable, "-P", "-m", "booper", "ticker"])]
    warn_if_held(settings)
    shared = metrics_files.make_directory()
    try:
        with metrics_page.served(settings, settings.worker_metrics_port):
            tell_systemd = systemd.SignOfLife()
            systemd.notify(systemd.READY)
            return supervise(children, settings.shutdown_grace_s, metrics_folding.Folding(shared), tell_systemd)
    finally:
        metrics_files.remove(shared)


def ticker(settings: Settings) -> int:
    """Run one ticker, as leader or standby, until SIGTERM."""
    from models.operations.leader import candidate
    from workers.assembly import make_held_ticker, make_ticker, probe
    from workers.operator_watch.watch import Watch
    from workers.queue.actors import Actors
    from workers.queue.broker import PUBLISHER_HEARTBEAT_S, make_broker, queue_name

    tracing.configure(settings, "ticker")
    stop = signals.Flag()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    lead, watch = candidate(), Watch(settings)
    watch.start()
    if settings.hold:
        make_held_ticker(lead).tick_until(stop)
        watch.stop()
        lead.give_up()
        return 0
    broker = make_broker(settings, heartbeat_s=PUBLISHER_HEARTBEAT_S)
    actors = Actors(broker, queue_name(settings), lambda *_: None, probe)
    make_ticker(settings, actors, lead, lambda: None).tick_until(stop)
    watch.stop()
    lead.give_up()
    tracing.stop()
    return 0
