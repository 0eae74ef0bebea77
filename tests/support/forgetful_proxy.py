"""A router that forgets silent connections: it forwards bytes, but nothing more of a connection on which no packet came
for a while, as a NAT or a load balancer does. A packet of TCP keep-alive counts, although it carries no byte.

One thread owns all connections. Linux tells how many packets have come on a connection (`tcpi_segs_in`).
"""

import selectors
import socket
import struct
import threading
import time
from typing import Self

SEGMENTS_IN_AT = 140  # the place of tcpi_segs_in in Linux's struct tcp_info
LOOK_EVERY_S = 0.1


class Flow:
    """Two sockets whose bytes go from one to the other, until it is forgotten."""

    def __init__(self, client: socket.socket, target: socket.socket) -> None:
        self.client, self.target = client, target
        self.packets, self.heard_s = 0, time.monotonic()
        self.is_forgotten = False


class ForgetfulProxy:
    """A context. `port`: where it listens; `forgotten`: how many connections were forgotten."""

    def __init__(self, target_port: int, forgets_after_s: float) -> None:
        self._target_port, self._forgets_after_s = target_port, forgets_after_s
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.forgotten = 0
        self._flows: dict[socket.socket, Flow] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)
        for sock in [*self._flows, self._listener]:
            sock.close()
        self._selector.close()

    def _work(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(LOOK_EVERY_S):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._forward(key.fileobj)
            self._forget_silent()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        flow = Flow(client, socket.create_connection(("127.0.0.1", self._target_port)))
        for sock in (flow.client, flow.target):
            self._flows[sock] = flow
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        flow = self._flows[sock]
        data = sock.recv(65536)
        if data:
            (flow.target if sock is flow.client else flow.client).sendall(data)
        else:
            self._end(flow)

    def _forget_silent(self) -> None:
        now_s = time.monotonic()
        for flow in set(self._flows.values()):
            packets = packets_in(flow.client) + packets_in(flow.target)
            if packets != flow.packets:
                flow.packets, flow.heard_s = packets, now_s
            elif now_s - flow.heard_s > self._forgets_after_s and not flow.is_forgotten:
                self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        """Forward nothing more, not even the end."""
        flow.is_forgotten = True
        self.forgotten += 1
        for sock in (flow.client, flow.target):
            self._selector.unregister(sock)

    def _end(self, flow: Flow) -> None:
        for sock in (flow.client, flow.target):
            self._selector.unregister(sock)
            del self._flows[sock]
            sock.close()


def packets_in(sock: socket.socket) -> int:
    """How many packets have come on a connection, empty ones among them."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, SEGMENTS_IN_AT)[0]
