"""PgBouncer between Booper and PostgreSQL: pools by session, all else as it comes."""

import os
import pwd
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
LIMIT_SECONDS = 20


class Pooler:
    """A context. `settings`: lines of its file (`default_pool_size = 20`). Raises OSError where it is not installed."""

    def __init__(self, folder: Path, postgres_url: str, *settings: str) -> None:
        if PROGRAM is None:
            raise OSError("no pgbouncer is installed")
        self.folder, self.port = folder, free_port()
        server = urlsplit(postgres_url)
        password = f" password={server.password}" if server.password else ""
        self._lines = [
            "[databases]",
            f"* = host={server.hostname} port={server.port or 5432} user={server.username}{password}",
            "[pgbouncer]",
            *("listen_addr = 127.0.0.1", f"listen_port = {self.port}", "unix_socket_dir =", "auth_type = any"),
            *("pool_mode = session", *settings),
        ]

    def __enter__(self) -> "Pooler":
        file = self.folder / "pgbouncer.ini"
        file.write_text("\n".join(self._lines) + "\n")
        command = [str(PROGRAM), str(file)]
        if os.getuid() == 0:  # which it refuses to run as
            user = pwd.getpwnam("nobody").pw_name
            readable = Path("/tmp") / f"pgbouncer-{self.port}.ini"
            shutil.copy(file, readable)
            readable.chmod(0o644)
            command = [str(PROGRAM), "-u", user, str(readable)]
        self._command = command
        self._start()
        return self

    def restart(self) -> None:
        """SIGKILL, and another one at once."""
        self._running.kill()
        self._start()

    def _start(self) -> None:
        self._running = Running("pgbouncer", self._command, dict(os.environ), self.folder)
        wait_until(self._listens, LIMIT_SECONDS, "pgbouncer to listen")

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        Path(f"/tmp/pgbouncer-{self.port}.ini").unlink(missing_ok=True)

    def url(self, url: str) -> str:
        """The URL of a database, by way of the pooler."""
        parts = urlsplit(url)
        return f"postgresql://{parts.username}@127.0.0.1:{self.port}{parts.path}"

    def _listens(self) -> bool:
        assert not self._running.ended, f"pgbouncer ended: {self._running.log()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
