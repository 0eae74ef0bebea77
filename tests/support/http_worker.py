"""An app that tells what it was asked, and raw requests to it."""

import threading

GET = b"GET /path HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /path HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
UNREAD = POST.replace(b"/path", b"/unread")
LARGE = 8 * 1024 * 1024  # more than the system takes for a client that does not read


class App:
    """Answers with the path and the body; `/hang` when it is let go on, `/large` with more than a client takes;
    `/unread` without a look at the body.

    `threads`: the names of those that served the requests.
    """

    def __init__(self):
        self.go_on, self.hanging, self.threads = threading.Event(), 0, []

    def __call__(self, environ, start_response):
        body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
        self.threads.append(threading.current_thread().name)
        if environ["PATH_INFO"] == "/hang":
            self.hanging += 1
            self.go_on.wait(60)
        answer = b"x" * LARGE if environ["PATH_INFO"] == "/large" else environ["PATH_INFO"].encode() + b" " + body
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]


def response(connection):
    """Status, and the body that follows; None, None where the connection ended without one."""
    return response_of(connection.makefile("rb"))


def response_of(file):
    line = file.readline()
    if not line:
        return None, None
    length = 0
    while (field := file.readline()) != b"\r\n":
        name, _, value = field.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return int(line.split()[1]), file.read(length)


def answer(connect, request):
    connection = connect()
    connection.sendall(request)
    return response(connection)
