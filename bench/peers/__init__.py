"""Lists the peers: other ways to do the same durable work on the same machine, each in its own environment.

It knows how each is started. Their programs are the other files of this folder, and import nothing of Booper.
"""

from pathlib import Path

from bench.peers import installing
from bench.peers.peer import Peer
from bench.session import Session

FOLDER = Path(__file__).parent
PROCESSES = 2


def contestants(session: Session) -> list[Peer]:
    """The chosen peers that can run here, installed."""
    chosen = [peer for peer in peers() if peer.name in session.peer_names]
    usable = [peer for peer in chosen if not peer.node or installing.has_node()]
    for peer in chosen:
        if peer not in usable:
            session.notes[peer.name] = "left out: needs node, npm and redis-server"
    for peer in usable:
        session.tell(f"installing {peer.name}")
        (installing.install_node if peer.node else installing.install_python)()
    return usable


def peers() -> list[Peer]:
    python, node = str(installing.PYTHON), "node"
    celery = [python, "-m", "celery", "-A", "celery_peer", "worker", "--loglevel", "WARNING"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    dramatiq = [python, "-m", "dramatiq", "dramatiq_peer", "--processes", "2", "--threads", "8"]
    procrastinate = str(FOLDER / "procrastinate_peer.py")
    graphile, bullmq = (str(FOLDER / "node" / name) for name in ("graphile.js", "bullmq.js"))
    return [
        Peer(
            "Celery",
            [python, str(FOLDER / "celery_peer.py")],
            [[*celery, "--pool", "prefork", "--concurrency", "2", *quiet]],
            "SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'",
            "RabbitMQ with confirms, acks_late, results in PostgreSQL through SQLAlchemy; prefork, 2 processes",
            600,
        ),
        Peer(
            "Procrastinate",
            [python, procrastinate, "order"],
            [[python, procrastinate, "work"]] * PROCESSES,
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
            "async worker with aiohttp, 2 processes, concurrency 32 each; finished jobs are kept",
            1000,
        ),
        Peer(
            "plain Dramatiq",
            [python, str(FOLDER / "dramatiq_peer.py")],
            [dramatiq],
            "SELECT count(*) FROM attempt",
            "RabbitMQ with confirms, one requests.Session and one connection a thread; attempt and two log rows in one "
            "statement a job; 2 processes, 8 threads each",
            1000,
        ),
        Peer(
            "graphile-worker",
            [node, graphile, "order"],
            [[node, graphile, "work"]] * PROCESSES,
            "SELECT count(*) FROM attempt",
            "attempt and two log rows in one statement a job, since it deletes finished jobs; 2 processes, 24 jobs at "
            "once each, batches of 500",
            3000,
            node=True,
        ),
        Peer(
            "BullMQ",
            [node, bullmq, "order"],
            [[node, bullmq, "work"]] * PROCESSES,
            None,
            "Redis with appendfsync always, finished jobs are kept; 2 processes, concurrency 50 each",
            3000,
            node=True,
        ),
    ]
