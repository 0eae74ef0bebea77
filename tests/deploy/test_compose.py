"""The compose file and the image against the settings table, without a container engine: both are parsed."""

import json
import re
import shlex

import pytest
import yaml

from runtime import settings
from runtime.version import __version__
from tests.support.documents import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROMETHEUS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
SERVICES = COMPOSE["services"]
OURS = ("migrate", "api", "worker")
MONITORING = ("prometheus", "grafana")
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
PASSWORDS = {"POSTGRES_PASSWORD": "p4", "RABBITMQ_PASSWORD": "r4"}


def substituted(value):
    """The value as the engine would pass it on, with both passwords given and nothing else."""
    return VARIABLE.sub(lambda variable: PASSWORDS.get(variable[1], variable[3]), str(value))


def environment_of(name):
    return {key: substituted(value) for key, value in SERVICES[name]["environment"].items()}


def instructions(name):
    return [line.partition(" ")[2] for line in DOCKERFILE if line.startswith(f"{name} ")]


def test_there_are_a_database_a_broker_and_our_processes():
    assert set(SERVICES) == {"postgres", "rabbitmq", *OURS, *MONITORING}
    assert {name: SERVICES[name]["command"] for name in OURS} == {name: [name] for name in OURS}


def test_only_loopback_is_published():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {
        "rabbitmq": ["127.0.0.1:15672:15672"],
        "api": ["127.0.0.1:8000:8000"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_monitoring_starts_only_when_it_is_asked_for():
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        name: ["monitoring"] if name in MONITORING else None for name in SERVICES
    }


def test_prometheus_asks_where_our_processes_and_rabbitmq_show_their_metrics():
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    for name in ("api", "worker"):
        [wanted] = jobs[f"booper-{name}"]["dns_sd_configs"]
        effective = settings.load(environment_of(name))
        assert wanted["names"] == [name]
        assert wanted["port"] == {"api": effective.port, "worker": effective.worker_metrics_port}[name]
        assert effective.host == "0.0.0.0"  # noqa: S104 - inside its network
    for name in ("rabbitmq", "rabbitmq-queues"):
        assert jobs[name]["static_configs"] == [{"targets": ["rabbitmq:15692"]}]

    plugins = (ROOT / "deploy/rabbitmq/enabled_plugins").read_text()
    assert plugins == "[rabbitmq_management,rabbitmq_prometheus].\n"


def test_prometheus_has_the_token_that_our_processes_ask_for():
    assert COMPOSE["secrets"] == {"metrics_token": {"environment": "BOOPER_METRICS_TOKEN"}}
    assert SERVICES["prometheus"]["secrets"] == ["metrics_token"]
    ours = [job for job in PROMETHEUS["scrape_configs"] if job["job_name"].startswith("booper-")]
    assert [job["authorization"] for job in ours] == [{"credentials_file": "/run/secrets/metrics_token"}] * 2
    for name in ("api", "worker"):
        assert SERVICES[name]["environment"]["BOOPER_METRICS_TOKEN"] == "${BOOPER_METRICS_TOKEN:-}"


def test_what_is_mounted_from_here_is_there_and_read_only():
    mounts = [volume.split(":") for service in SERVICES.values() for volume in service.get("volumes", [])]
    from_here = [mount for mount in mounts if mount[0].startswith("./")]
    assert len(from_here) == 5
    assert all((ROOT / source).exists() and how == ["ro"] for source, _, *how in from_here)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_ours_is_in_the_settings_table(name):
    assert set(environment_of(name)) <= {setting.name for setting in settings.SETTINGS}


@pytest.mark.parametrize("name", OURS)
def test_our_processes_would_start_with_their_environment(name):
    effective = settings.load(environment_of(name))
    assert not effective.embedded
    assert effective.database_url == "postgresql://booper:p4@postgres:5432/booper"
    assert effective.broker_url == "amqp://booper:r4@rabbitmq:5672"
    assert (effective.demo_key, effective.target_allow, effective.allow_http) == ("", "", False)


def test_the_api_listens_where_its_port_is_published():
    effective = settings.load(environment_of("api"))
    assert (effective.host, effective.port) == ("0.0.0.0", 8000)


def test_our_passwords_are_those_of_the_services():
    assert environment_of("postgres") == {"POSTGRES_USER": "booper", "POSTGRES_DB": "booper", "POSTGRES_PASSWORD": "p4"}
    assert environment_of("rabbitmq") == {"RABBITMQ_DEFAULT_USER": "booper", "RABBITMQ_DEFAULT_PASS": "r4"}


def test_no_password_has_a_default():
    variables = VARIABLE.findall((ROOT / "docker-compose.yml").read_text())
    operators = {(name, operator) for name, operator, _ in variables if "PASS" in name}
    assert operators == {("POSTGRES_PASSWORD", "?"), ("RABBITMQ_PASSWORD", "?")}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_what_stays_up_has_a_health_check_with_limits_and_comes_back(name):
    assert {"test", "interval", "timeout", "retries"} <= set(SERVICES[name]["healthcheck"])
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["api", "worker"])
def test_our_processes_wait_for_a_healthy_database_and_broker_and_the_schema(name):
    conditions = {other: wait["condition"] for other, wait in SERVICES[name]["depends_on"].items()}
    assert conditions == {
        "postgres": "service_healthy",
        "rabbitmq": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", OURS)
def test_a_stopping_process_gets_longer_than_its_own_grace(name):
    assert (
        int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        > settings.load(environment_of(name)).shutdown_grace_s
    )


def test_what_is_written_down_survives_in_named_volumes():
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    named = {name for name in mounted if not name.startswith("./")}
    assert named == set(COMPOSE["volumes"]) == {"postgres", "rabbitmq", *MONITORING}


def test_every_foreign_image_has_a_version():
    base = instructions("ARG")[0].removeprefix("BASE=")
    images = [*(service["image"] for name, service in SERVICES.items() if name not in OURS), base]
    assert {line.split()[0] for line in instructions("FROM")} == {"${BASE}"}
    assert all(re.search(r":v?\d+[.\w-]*$", image) for image in images)


def test_the_image_is_built_from_the_lock_file_and_hashes():
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert [line for line in installs if "--no-deps" not in line] == [
        "/opt/booper/bin/pip install --require-hashes -r requirements.lock"
    ]


def test_the_image_does_not_work_as_root():
    """By a number: Kubernetes can't see whether a name is root."""
    assert instructions("USER") == ["10001:10001"]
    last_stage = max(index for index, line in enumerate(DOCKERFILE) if line.startswith("FROM"))
    entry = next(index for index, line in enumerate(DOCKERFILE) if line.startswith("ENTRYPOINT"))
    assert last_stage < DOCKERFILE.index("USER 10001:10001") < entry


def test_the_image_says_what_it_is_and_how_it_is():
    labels = dict(re.findall(r"org\.opencontainers\.image\.(\w+)=\"([^\"]*)\"", instructions("LABEL")[0]))
    assert (labels["title"], labels["version"], labels["licenses"]) == ("Booper", __version__, "MIT")
    [check] = instructions("HEALTHCHECK")
    assert "--timeout=5s" in check
    compile(json.loads(check.partition("CMD ")[2])[-1], "HEALTHCHECK", "exec")
    assert (instructions("ENTRYPOINT"), instructions("CMD")) == (['["booper"]'], ['["api"]'])


@pytest.mark.parametrize("name", OURS)
def test_our_processes_write_to_no_image_and_have_no_rights(name):
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]


def test_everything_the_image_copies_is_there_and_nothing_else_gets_in():
    lines = [shlex.split(line) for line in instructions("COPY")]
    copied = {source for line in lines for source in line[:-1] if not line[0].startswith("--from=")}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
