"""A worker of gunicorn in a thread of this process, as its master would start it."""

import contextlib
import os
import selectors
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from api.server.gunicorn_worker import Worker
from tests.support.http_worker import App


@pytest.fixture
def app():
    return App()


@pytest.fixture
def worker(app):
    """A worker with two threads that serves this app, as gunicorn's master would start it."""
    config = Config()
    config.set("threads", 2)
    config.set("keepalive", 60)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        worker = Worker(0, os.getppid(), [listener], None, 30, config, Logger(config))
        worker.port = listener.getsockname()[1]
        worker.wsgi, worker.tpool, worker.poller = app, ThreadPoolExecutor(2), selectors.DefaultSelector()
        worker.lanes = {"quick": ThreadPoolExecutor(1), "ready": ThreadPoolExecutor(1)}
        worker.method_queue.init()
        thread = threading.Thread(target=worker.run, name="gunicorn", daemon=True)
        thread.start()
        yield worker
        app.go_on.set()
        worker.alive = False
        worker.method_queue.defer(lambda: None)
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def connect(worker):
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", worker.port), 20))
