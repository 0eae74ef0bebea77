"""What an upgrade starts from: the receiver and the services of the journeys, and the program of the last release."""

from tests.journeys.conftest import broker, postgres_url, receiver
from tests.support.faults import report

__all__ = ["broker", "postgres_url", "receiver"]


def pytest_terminal_summary(terminalreporter):
    """The figures of each way and order."""
    if report.lines:
        terminalreporter.section("two versions")
        terminalreporter.write_line("\n".join(report.lines))
