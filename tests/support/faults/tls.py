"""A private CA with its files, and a PostgreSQL and a RabbitMQ that take clients with a certificate of theirs alone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import trustme

from tests.support.faults.cluster import Cluster
from tests.support.faults.node import FragileNode
from tests.support.journeys.ports import free_port

CONFIGURATION = """
listeners.ssl.default = 127.0.0.1:{port}
ssl_options.cacertfile = {made.ca}
ssl_options.certfile = {made.server_cert}
ssl_options.keyfile = {made.server_key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""
HOST = "localhost"  # the name in the certificates; 127.0.0.1 is not in them


class Authority:
    """Files in PEM form: `ca`, and what it signed, `server_cert` with `server_key`, `client_cert` with `client_key`.
    `owner`: of the server's key where the tests are root's."""

    def __init__(self, folder: Path, owner: str | None = None) -> None:
        folder.mkdir()
        self._made, self._folder = trustme.CA(), folder
        self.ca = folder / "ca.pem"
        self._made.cert_pem.write_to_path(str(self.ca))
        self.server_cert, self.server_key = self._issue("server", HOST)
        self.client_cert, self.client_key = self._issue("client", "booper.example.com")
        if owner and os.getuid() == 0:
            shutil.chown(self.server_key, owner)

    def expired(self, name: str) -> tuple[Path, Path]:
        """A certificate of this CA that ended yesterday, and its key."""
        return self._issue(name, HOST, datetime.now(UTC) - timedelta(days=1))

    @contextmanager
    def shown_expired(self) -> Iterator[None]:
        """For as long as the block lasts the server's files hold a certificate that ended."""
        cert, key = self.expired("expired")
        before = self.server_cert.read_bytes(), self.server_key.read_bytes()
        self._write(cert.read_bytes(), key.read_bytes())
        try:
            yield
        finally:
            self._write(*before)

    def _write(self, cert: bytes, key: bytes) -> None:
        """Into the files as they are, so that they keep their owner."""
        self.server_cert.write_bytes(cert)
        self.server_key.write_bytes(key)

    def _issue(self, name: str, host: str, ends_at: datetime | None = None) -> tuple[Path, Path]:
        issued = self._made.issue_cert(host, not_before=ends_at and ends_at - timedelta(days=9), not_after=ends_at)
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(str(cert))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)  # libpq and PostgreSQL take no other
        return cert, key


class TlsCluster(Cluster):
    """`url` has all that a client needs, `plain_url` nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.authority = Authority(self._folder / "authority", "postgres")
        self.plain_url = self.url.replace("127.0.0.1", HOST)
        self.url = self.with_ca(self.authority.ca)

    def start(self) -> None:
        (self._data / "pg_hba.conf").write_text("hostssl all all all trust clientcert=verify-ca\n")
        super().start()

    def options(self) -> dict[str, str]:
        made = self.authority
        return {
            "ssl": "on",
            "ssl_ca_file": str(made.ca),
            "ssl_cert_file": str(made.server_cert),
            "ssl_key_file": str(made.server_key),
        }

    def with_ca(self, ca: Path) -> str:
        """The URL by which a client trusts this CA, and shows the right certificate."""
        shown = {"sslcert": str(self.authority.client_cert), "sslkey": str(self.authority.client_key)}
        return f"{self.plain_url}?{urlencode({'sslmode': 'verify-full', 'sslrootcert': str(ca)} | shown)}"

    @contextmanager
    def expired(self) -> Iterator[None]:
        """For as long as the block lasts the server shows a certificate that ended."""
        with self.authority.shown_expired():
            self._control("restart")
            yield
        self._control("restart")

    def cut_connections(self) -> int:
        """End every session of Booper; how many there were."""
        ends = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'booper%'"
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            [count] = connection.execute(ends).fetchone() or [0]
        return count

    def unencrypted(self) -> int:
        """How many sessions of Booper go without TLS."""
        counts = (
            "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) "
            "WHERE application_name LIKE 'booper%' AND NOT ssl"
        )
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            [count] = connection.execute(counts).fetchone() or [0]
        return count


class TlsNode(FragileNode):
    """A RabbitMQ that takes connections at `url` over TLS, from clients with a certificate of its CA; the tests
    themselves talk to `broker` without."""

    def __init__(self, folder: Path) -> None:
        self.authority, port = Authority(folder / "authority"), free_port()
        self.url = f"amqps://guest:guest@{HOST}:{port}"
        super().__init__(folder, CONFIGURATION.format(made=self.authority, port=port))

    def settings(self, **changed: str) -> dict[str, str]:
        """Of Booper, to reach this node."""
        made = self.authority
        return {
            "BOOPER_BROKER_URL": self.url,
            "BOOPER_BROKER_CA_FILE": str(made.ca),
            "BOOPER_BROKER_CERT_FILE": str(made.client_cert),
            "BOOPER_BROKER_KEY_FILE": str(made.client_key),
        } | changed

    @contextmanager
    def expired(self) -> Iterator[None]:
        """For as long as the block lasts the server shows a certificate that ended."""
        with self.authority.shown_expired():
            self._read_anew()
            yield
        self._read_anew()

    def _read_anew(self) -> None:
        self.broker.control("eval", "ssl:clear_pem_cache().")

    def connections(self) -> set[str]:
        """Whether those that there are use TLS: of `true` and `false`."""
        return set(self.broker.control("list_connections", "--quiet", "ssl").split()) - {"ssl"}
