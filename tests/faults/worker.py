"""`python -m tests.faults.worker`: `booper worker`, but its processes import tests/faults/app.py."""

import sys

from booper import processes
from booper.cli import main

supervise = processes.supervise


def supervise_deadly(children, *rest):
    for child in children:
        child.command = ["tests.faults.app:broker" if part == "workers.app:broker" else part for part in child.command]
    return supervise(children, *rest)


if __name__ == "__main__":
    processes.supervise = supervise_deadly
    sys.exit(main(["worker"]))
