"""The programs of docs/proxies.md with the configurations shown there, before APIs of a test."""

import http.client
import os
import re
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Self

import trustme

from tests.support.documents import ROOT
from tests.support.faults.asking import PatientClient
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

TEXT = (ROOT / "docs/proxies.md").read_text()
NAME = "booper.example.com"
WHOLE_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr error; {user}
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {shown}
}}
"""
CADDY_HEAD = "{\n  admin off\n  auto_https disable_redirects\n  storage file_system %s\n}\n"
Start = Callable[..., Running]  # of a program's name, its words and variables


def shown(language: str, number: int = 0) -> str:
    """A configuration of the page."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return blocks[number]


def adapted(text: str, ports: list[int], port: int, folder: Path) -> str:
    """The same for other ports: of the two servers, and of the proxy."""
    both = str(folder / "both.pem")
    replaced = {
        "127.0.0.1:8000": f"127.0.0.1:{ports[0]}",
        "127.0.0.1:8001": f"127.0.0.1:{ports[1]}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/ssl/booper-with-key.pem": both,
        "/etc/ssl/booper.pem": both,
        "/etc/ssl/booper.key": both,
    }
    for before, after in replaced.items():
        text = text.replace(before, after)
    return text


def nginx(start: Start, folder: Path, text: str) -> Running:
    user = "user root;" if os.getuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(WHOLE_NGINX.format(folder=folder, user=user, shown=text))
    return start("nginx", "-p", str(folder), "-c", str(file))


def haproxy(start: Start, folder: Path, text: str) -> Running:
    (folder / "haproxy.cfg").write_text(text)
    return start("haproxy", "-db", "-f", str(folder / "haproxy.cfg"))


def caddy(start: Start, folder: Path, text: str) -> Running:
    (folder / "Caddyfile").write_text(CADDY_HEAD % (folder / "caddy") + text)
    command = ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return start("caddy", *command, XDG_CONFIG_HOME=str(folder), XDG_DATA_HOME=str(folder))


def caddy_text(ports: list[int], port: int, folder: Path) -> str:
    """With the certificate of the test: the page lets Caddy get one."""
    text = adapted(shown("caddyfile"), ports, port, folder)
    both = folder / "both.pem"
    return text.replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n    bind 127.0.0.1\n    tls {both} {both}", 1)


PROXIES = {
    "nginx": lambda start, ports, port, folder: nginx(start, folder, adapted(shown("nginx"), ports, port, folder)),
    "haproxy": lambda start, ports, port, folder: haproxy(
        start, folder, adapted(shown("haproxy"), ports, port, folder)
    ),
    "caddy": lambda start, ports, port, folder: caddy(start, folder, caddy_text(ports, port, folder)),
}


class ByName(http.client.HTTPSConnection):
    """To an address, by the name of the page."""

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), 20)
        self.sock = self._context.wrap_socket(plain, server_hostname=NAME)


class PageProxy:
    """A context: a proxy that ends TLS at `port`, before two servers. Raises OSError where it is not installed."""

    def __init__(self, program: str, folder: Path, ports: list[int]) -> None:
        self.program, self.port, self._ports = program, free_port(), ports
        if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
            raise OSError(f"{program} is not installed")
        self._folder = folder / program
        self._folder.mkdir()
        authority = trustme.CA()
        authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(str(self._folder / "both.pem"))
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)

    def __enter__(self) -> Self:
        self._running = PROXIES[self.program](self._start, self._ports, self.port, self._folder)
        wait_until(self._answers, 60, f"{self.program} to pass on requests", 0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()

    def restart(self) -> None:
        """SIGKILL, which cuts every connection, and another one at once."""
        self._running.kill()
        self.__enter__()

    def client(self, key: str, receiver_port: int, fields: dict[str, object]) -> "ClientOfProxy":
        return ClientOfProxy(self, key, receiver_port, fields)

    def connection(self) -> http.client.HTTPConnection:
        """Connects over TLS at its first request, and again after it was cut."""
        return ByName("127.0.0.1", self.port, timeout=20, context=self.trust)

    def _start(self, name: str, *words: str, **variables: str) -> Running:
        program = str(shutil.which(name, path="/usr/sbin:/usr/bin"))
        env = {"HOME": str(self._folder), **os.environ, **variables}
        return Running(name, [program, *words], env, self._folder)

    def _answers(self) -> bool:
        assert not self._running.ended, self._running.log()
        try:
            connection = self.connection()
            connection.request("GET", "/healthz", headers={"Host": NAME})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


class ClientOfProxy(PatientClient):
    """Reaches the API by way of a proxy."""

    def __init__(self, proxy: PageProxy, key: str, receiver_port: int, fields: dict[str, object]) -> None:
        super().__init__(proxy.port, key, receiver_port, fields)
        self.headers["Host"] = NAME
        self._open = proxy.connection
