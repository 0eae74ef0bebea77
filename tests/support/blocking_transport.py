"""The transport as tests call it: one request, and its outcome when it has come."""

from concurrent.futures import Future

from workers.transport.client import Transport

LIMIT_S = 30


class BlockingTransport:
    """`send` from any thread; the loop runs until `close`."""

    def __init__(self, *args, **kwargs):
        self.transport = Transport(*args, **kwargs)
        self.transport.start(lambda ended: [answer.set_result(outcome) for answer, outcome in ended])

    def begin(self, request) -> Future:
        answer = Future()
        self.transport.submit([(answer, request)])
        return answer

    def send(self, request):
        return self.begin(request).result(LIMIT_S)

    def close(self):
        self.transport.close()
