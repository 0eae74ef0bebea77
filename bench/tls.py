"""Measures what TLS costs: 200 requests a second by the transport of one process, on open connections and on new ones.

A handshake runs on the loop that sends, so the loop's own measure of its lag is read too. Without TLS the loop is late
as well, as the machine is. `python -m bench.tls PORT PATH COUNT CA_FILE` is the process; without CA_FILE it speaks
plain HTTP.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme

from bench.figures import Figures, percentile
from bench.session import Session
from bench.targets import Target
from models.rules.address_rules import AddressPolicy, parse_allow
from workers.transport.client import Transport
from workers.transport.outcome import Answered
from workers.transport.wire_format import Request

EVERY_S = 0.005
LATE_S = 0.005
LIMIT_S = 120
BODY = b'{"nonce": "bench-0-1"}'
WAYS = {"without TLS": ("/ok", False), "reused": ("/ok", True), "new connections": ("/once", True)}


def rounds(session: Session) -> Iterator[Figures]:
    """CPU a request, and how often the loop was late, for each way."""
    count = session.size(2_000, 400)
    session.notes["TLS"] = "a key on P-256, as trustme makes it; 200 requests/s by one process, the target in another"
    with tempfile.TemporaryDirectory() as folder:
        pem_file, ca_file = certificate(Path(folder))
        with Target() as plain, Target(pem_file) as encrypted:
            for _ in session.each_round("TLS"):
                figures: Figures = {}
                for way, (path, is_encrypted) in WAYS.items():
                    port = (encrypted if is_encrypted else plain).port
                    sent = measured(port, path, count, *([ca_file] if is_encrypted else []))
                    figures |= {f"{name}, {way}{unit}": value for (name, unit), value in named(sent).items()}
                yield figures


def certificate(folder: Path) -> tuple[str, str]:
    """A file with a key and its certificate for 127.0.0.1, and a file with the authority."""
    authority = trustme.CA()
    pem_file, ca_file = folder / "target.pem", folder / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem_file))
    authority.cert_pem.write_to_path(str(ca_file))
    return str(pem_file), str(ca_file)


def measured(port: int, path: str, count: int, *ca_file: str) -> dict[str, Any]:
    """What the process of this module prints."""
    command = [sys.executable, "-m", "bench.tls", str(port), path, str(count), *ca_file]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=LIMIT_S)
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["answered"] == count, f"{count} requests must be answered with 200, got {seen['answered']}"
    return seen


def named(seen: dict[str, Any]) -> dict[tuple[str, str], float]:
    """The figures, by name and unit."""
    looks = seen["looks_s"]
    return {
        ("CPU a request", ", us"): seen["cpu_us"],
        ("looks over 5 ms late", ", %"): 100 * sum(late_s > LATE_S for late_s in looks) / len(looks),
        ("p99 of the lag", ", ms"): 1000 * percentile(looks, 99),
    }


def send_all(port: int, path: str, count: int, ca_file: str | None = None) -> dict[str, Any]:
    """Send a request every 5 ms. Returns how many were answered with 200, the CPU time a request, and the lags."""
    looks: list[float] = []
    outcomes: list[Answered] = []
    is_done = threading.Event()

    def take(ended: list[Any]) -> None:
        outcomes.extend(outcome for _, outcome in ended)
        if len(outcomes) == count:
            is_done.set()

    policy = AddressPolicy(parse_allow("127.0.0.0/8"), frozenset())
    transport = Transport(policy, ca_file=ca_file, note_lag=looks.append)
    transport.start(take)
    url = f"{'https' if ca_file else 'http'}://127.0.0.1:{port}{path}"
    began_s, cpu_s = time.monotonic(), time.process_time()
    for number in range(count):
        transport.submit([(number, Request("POST", url, {}, BODY, 30_000))])
        time.sleep(max(0.0, began_s + (number + 1) * EVERY_S - time.monotonic()))
    is_done.wait(LIMIT_S / 2)
    cpu_us = 1e6 * (time.process_time() - cpu_s) / count
    transport.close()
    answered = sum(isinstance(outcome, Answered) and outcome.status_code == 200 for outcome in outcomes)
    return {"answered": answered, "cpu_us": cpu_us, "looks_s": looks}


if __name__ == "__main__":
    print(json.dumps(send_all(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])))
