"""`python -m tests.support.faults.worker`: `booper worker`, but its processes import tests/support/faults/app.py."""

import sys

from booper import processes
from booper.cli import main

supervise = processes.supervise


def supervise_deadly(children, *rest):
    for child in children:
        child.command = [
            "tests.support.faults.app:broker" if part == "workers.app:broker" else part for part in child.command
        ]
    return supervise(children, *rest)


if __name__ == "__main__":
    processes.supervise = supervise_deadly
    sys.exit(main(["worker"]))
