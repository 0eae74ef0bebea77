"""What tests of the clients start from: a live server, an account of their own, both clients, a receiver."""

import pytest

from booper import cli
from tests.support.both_clients import KINDS, client_of
from tests.support.command_line import Run, environment
from tests.support.live_server import LiveServer
from tests.support.receivers import RecordingReceiver


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with LiveServer(tmp_path_factory.mktemp("live")) as product:
        yield product


@pytest.fixture
def key(server):
    return server.new_key()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def client(kind, server, key):
    opened = client_of(kind, server.url, key)
    yield opened
    opened.close()


@pytest.fixture
def receiver():
    receiver = RecordingReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def configured(server, key, tmp_path, monkeypatch):
    """The environment of a command of the client: this server, a new account, no profiles."""
    env = environment(tmp_path, BOOPER_URL=server.url, BOOPER_API_KEY=key)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def booper(configured, capsys):
    """Runs a command in this process, where standard output is no terminal."""

    def run(*words):
        code = cli.main(words)
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run
