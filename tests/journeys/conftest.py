"""What the journeys start from: a receiver, the services of production mode, and both modes of the product.

Where PostgreSQL or RabbitMQ is missing, production journeys are skipped with a reason, but never where CI or
BOOPER_TEST_REQUIRE_SERVICES says that they must be there.
"""

import pika
import psycopg
import pytest

from tests.support.journeys.broker import PrivateNode, shared_broker
from tests.support.journeys.journey import FEWER_CONNECTIONS, under_way
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Embedded, Production
from tests.support.services import POSTGRES_URL, RABBITMQ_URL, unavailable


@pytest.fixture
def receiver(tmp_path):
    with ReceiverProcess(tmp_path) as receiver:
        yield receiver


@pytest.fixture(scope="session")
def postgres_url():
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        unavailable("PostgreSQL", error)
    return POSTGRES_URL


@pytest.fixture(scope="session")
def broker():
    """The RabbitMQ of this machine."""
    try:
        return shared_broker(RABBITMQ_URL)
    except (OSError, pika.exceptions.AMQPError) as error:
        unavailable("RabbitMQ", error)


@pytest.fixture
def node(tmp_path):
    """A RabbitMQ node that the journey may stop."""
    try:
        private = PrivateNode(tmp_path)
    except OSError as error:
        unavailable("a RabbitMQ node of our own", error)
    with private:
        yield private


@pytest.fixture
def embedded(tmp_path, receiver, request):
    """Embedded mode; settings as for `production`."""
    yield from under_way(Embedded(tmp_path, **getattr(request, "param", {})), receiver)


@pytest.fixture
def production(tmp_path, receiver, postgres_url, broker, request):
    """Production mode; a test adds settings by `@pytest.mark.parametrize("production", [{…}], indirect=True)`."""
    settings = FEWER_CONNECTIONS | getattr(request, "param", {})
    yield from under_way(Production(tmp_path, postgres_url, broker, **settings), receiver)


@pytest.fixture
def production_on_node(tmp_path, receiver, postgres_url, node):
    """Production mode on the RabbitMQ node that may be stopped."""
    yield from under_way(Production(tmp_path, postgres_url, node.broker, **FEWER_CONNECTIONS), receiver)


@pytest.fixture(params=["embedded", "production"])
def either_mode(request):
    """Once in each mode."""
    return request.getfixturevalue(request.param)
