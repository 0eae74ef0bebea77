"""How a server of waitress is ended: by its own loop, also where the loop is awake already."""

import threading

import waitress

from runtime import waitress_servers
from tests.support.waiting import wait_until


def test_a_loop_that_is_awake_closes_nothing_before_it_is_woken(monkeypatch):
    """It closed the pipe that wakes it while another thread was about to write to it: bad file descriptor."""
    server = waitress.create_server(lambda _environ, _start: [], host="127.0.0.1", port=0)
    loop = threading.Thread(target=server.run, daemon=True)
    loop.start()
    trigger, wake = server.trigger, server.trigger._physical_pull

    def wake_late():
        wake()
        wait_until(lambda: trigger.lock.locked() or not trigger.thunks)  # the loop does what it is to do
        loop.join(0.2)  # it ends here if it does not wait
        wake()

    monkeypatch.setattr(trigger, "_physical_pull", wake_late)
    server.task_dispatcher.shutdown()
    waitress_servers.end(server)
    loop.join(10)

    assert (loop.is_alive(), server.socket) == (False, None)
