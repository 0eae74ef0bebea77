"""nginx before some APIs, with its defaults but for kept connections to them."""

import os
import shutil
import socket
from pathlib import Path
from typing import Self

from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin")
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream api {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Nginx:
    """A context. `port`: where it listens, on loopback. Raises OSError where it is not installed."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        if PROGRAM is None:
            raise OSError("no nginx is installed")
        self.folder, self.port = folder / "nginx", free_port()
        self.folder.mkdir()
        # Otherwise nginx leaves a server that refused a connection alone for ten seconds, also when it is back.
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        self._file = self.folder / "nginx.conf"
        self._file.write_text(CONFIGURATION.format(folder=self.folder, servers=servers, port=self.port))

    def __enter__(self) -> Self:
        command = [str(PROGRAM), "-p", str(self.folder), "-c", str(self._file)]
        if os.getuid() == 0:
            command += ["-g", "user root;"]
        self._running = Running("nginx", command, dict(os.environ), self.folder)
        wait_until(self._listens, 20, "nginx to listen")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()

    def _listens(self) -> bool:
        assert not self._running.ended, f"nginx ended: {self._running.log()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
