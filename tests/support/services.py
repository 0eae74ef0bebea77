"""Where PostgreSQL and RabbitMQ are, and what becomes of a test when one of them is missing.

The test is skipped with a reason, but never where CI or BOOPER_TEST_REQUIRE_SERVICES says that the services must be
there.
"""

import os

import pytest

POSTGRES_URL = os.environ.get("BOOPER_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
REQUIRED = bool(os.environ.get("CI") or os.environ.get("BOOPER_TEST_REQUIRE_SERVICES"))


def unavailable(service, error):
    """Skip the test, or fail it where the services are required."""
    reason = f"{service} can't be used: {error!r}"
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def optional(make):
    """What `make` returns, for a program that not every machine has; without it the test is skipped with the reason."""
    try:
        return make()
    except OSError as error:
        pytest.skip(f"a program can't be used: {error}")
