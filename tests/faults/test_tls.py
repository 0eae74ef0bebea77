"""F24: PostgreSQL and RabbitMQ over TLS with certificates of a private CA; connections cut; a CA that is not theirs."""

import subprocess

import pytest

from tests.support.faults.asking import Load
from tests.support.faults.faulty_product import FaultyProduction
from tests.support.faults.report import note
from tests.support.faults.tls import Authority, TlsCluster, TlsNode
from tests.support.journeys import checker
from tests.support.journeys.journey import under_way
from tests.support.journeys.product import BOOPER, environment
from tests.support.services import unavailable


@pytest.fixture(scope="module")
def tls_node(tmp_path_factory):
    try:
        private = TlsNode(tmp_path_factory.mktemp("node"))
    except OSError as error:
        unavailable("a RabbitMQ node of our own", error)
    with private:
        yield private


@pytest.fixture(scope="module")
def tls_cluster():
    try:
        private = TlsCluster()
    except OSError as error:
        unavailable("a PostgreSQL cluster of our own", error)
    with private:
        yield private


@pytest.fixture
def production_over_tls(tmp_path, receiver, tls_cluster, tls_node):
    yield from under_way(FaultyProduction(tmp_path, tls_cluster.url, tls_node.broker, **tls_node.settings()), receiver)


@pytest.fixture
def stranger(tmp_path):
    """A CA that signed nothing here."""
    return Authority(tmp_path / "stranger")


def test_f24_over_tls_every_job_is_sent_once_though_connections_are_cut(production_over_tls, tls_cluster, tls_node):
    journey = production_over_tls
    with Load(journey, rate=50) as load:
        load.lasts(2)
        encrypted, unencrypted = tls_node.connections(), tls_cluster.unencrypted()
        tls_node.close_connections()
        load.lasts(1)
        cut = tls_cluster.cut_connections()
        load.lasts(2)
    history = journey.settle(60)

    note("F24 over TLS", history, statuses=dict(journey.client.statuses()))

    assert encrypted == {"true"}, "API, workers and ticker talk to RabbitMQ over TLS"
    assert (unencrypted, cut > 2) == (0, True)
    assert set(journey.client.statuses()) <= {201, 503}
    assert checker.check(history) == []


def refused(command, **settings):
    """What `booper COMMAND` prints, which fails."""
    done = subprocess.run([BOOPER, command], env=environment(settings), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", ["migrate", "doctor"])
def test_postgresql_with_a_certificate_of_another_ca_is_refused_with_advice(command, tls_cluster, stranger):
    url = tls_cluster.with_ca(stranger.ca).replace("postgres@", "postgres:c4nary@")
    text = refused(command, BOOPER_DATABASE_URL=url)
    assert "certificate verify failed" in text
    assert "the CA of its certificate is not in the file of sslrootcert" in text
    assert "c4nary" not in text


def test_postgresql_by_another_name_than_that_of_its_certificate_is_refused(tls_cluster):
    text = refused("migrate", BOOPER_DATABASE_URL=tls_cluster.url.replace("localhost", "127.0.0.1"))
    assert "its certificate is for another name: use that name in BOOPER_DATABASE_URL" in text


def test_postgresql_that_asks_for_a_certificate_is_told_so(tls_cluster):
    url = f"{tls_cluster.plain_url}?sslmode=verify-full&sslrootcert={tls_cluster.authority.ca}"
    assert "add &sslcert=FILE&sslkey=FILE to BOOPER_DATABASE_URL" in refused("migrate", BOOPER_DATABASE_URL=url)


def test_postgresql_is_shown_the_certificate_that_a_unit_of_systemd_is_given(tls_cluster):
    made = tls_cluster.authority
    settings = {"BOOPER_DATABASE_URL": f"{tls_cluster.plain_url}?sslmode=verify-full&sslrootcert={made.ca}"}
    certificate = {"PGSSLCERT": str(made.client_cert), "PGSSLKEY": str(made.client_key)}
    env = environment(settings) | certificate
    done = subprocess.run([BOOPER, "migrate"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def broker_findings(settings):
    text = refused("doctor", BOOPER_DATABASE_URL="postgresql://127.0.0.1:1/n", **settings)
    assert "guest:guest" not in text
    return text.partition(" broker: ")[2]


def test_the_doctor_says_which_setting_is_wrong_where_rabbitmq_is_refused(tls_node, stranger):
    another = tls_node.settings(BOOPER_BROKER_CA_FILE=str(stranger.ca))
    assert "Name the file of the CA that signed RabbitMQ's certificate in BOOPER_BROKER_CA_FILE" in broker_findings(
        another
    )
    renamed = tls_node.settings(BOOPER_BROKER_URL=tls_node.url.replace("localhost", "127.0.0.1"))
    assert "RabbitMQ's certificate is for another name" in broker_findings(renamed)
    nameless = tls_node.settings(BOOPER_BROKER_CERT_FILE="", BOOPER_BROKER_KEY_FILE="")
    assert "set BOOPER_BROKER_CERT_FILE and BOOPER_BROKER_KEY_FILE" in broker_findings(nameless)


def test_the_doctor_finds_nothing_wrong_with_rabbitmq_over_tls(tls_node):
    assert "takes messages, over TLS" in broker_findings(tls_node.settings())


@pytest.mark.parametrize("command", ["migrate", "doctor"])
def test_postgresql_with_an_expired_certificate_is_refused_with_advice(command, tls_cluster):
    with tls_cluster.expired():
        text = refused(command, BOOPER_DATABASE_URL=tls_cluster.url)
    assert "or its certificate has expired" in text


def test_an_expired_certificate_that_postgresql_is_shown_is_named(tls_cluster):
    cert, key = tls_cluster.authority.expired("ours")
    url = f"{tls_cluster.plain_url}?sslmode=verify-full&sslrootcert={tls_cluster.authority.ca}"
    text = refused("migrate", BOOPER_DATABASE_URL=f"{url}&sslcert={cert}&sslkey={key}")
    assert "the certificate of sslcert in BOOPER_DATABASE_URL has expired" in text


def test_the_doctor_says_that_the_certificate_of_rabbitmq_has_expired(tls_node):
    with tls_node.expired():
        text = broker_findings(tls_node.settings())
    assert "Renew the certificate of RabbitMQ" in text


def test_an_expired_certificate_that_rabbitmq_is_shown_is_hinted_at(tls_node):
    """RabbitMQ ends the connection; its reason arrives at times."""
    cert, key = tls_node.authority.expired("ours")
    text = broker_findings(tls_node.settings(BOOPER_BROKER_CERT_FILE=str(cert), BOOPER_BROKER_KEY_FILE=str(key)))
    assert any(advice in text for advice in ("to one of its CA that has not expired", "CERT_FILE has expired"))
