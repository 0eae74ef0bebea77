"""The chart of Helm, rendered as Helm does and held to Kubernetes's schemas; without Helm, what can be read of it."""

import json
import re

import jsonschema
import pytest
import yaml

from runtime.metrics import BACKLOG
from runtime.settings import SETTINGS, load
from runtime.version import __version__
from tests.support.charts import CHART, OF_KEDA, RELEASE, Refused, complaints, rendered

TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
VALUES_SCHEMA = json.loads((CHART / "values.schema.json").read_text())
SECRET = {
    "BOOPER_DATABASE_URL": "postgresql://u@h/n",
    "BOOPER_BROKER_URL": "amqp://u:p@h",
    "BOOPER_METRICS_TOKEN": "0123456789abcdef",
}
EVERYTHING = {
    "settings": {"BOOPER_PUBLIC_URLS": "https://booper.example.com"},
    "certificates": {"secret": "booper-tls"},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "api": {"autoscaling": {"enabled": True}},
    "worker": {"autoscaling": {"enabled": True, "by": "hpa"}},
    "networkPolicy": {"apiFrom": [{"podSelector": {"matchLabels": {"app": "proxy"}}}]},
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "jobs", "operator": "Exists"}],
    "podAnnotations": {"a": "b"},
}
PROMETHEUS = {"serverAddress": "http://prometheus.monitoring:9090"}
KEDA = EVERYTHING | {"worker": {"autoscaling": {"enabled": True, "by": "keda", "prometheus": PROMETHEUS}}}
NOT_OF_KUBERNETES = {"ServiceMonitor", "ScaledObject"}
COMMANDS = {("Deployment", f"{RELEASE}-api"): "api", ("Deployment", f"{RELEASE}-worker"): "worker"}
COMMANDS |= {("Job", f"{RELEASE}-migrate"): "migrate"}


def test_the_chart_is_of_this_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_every_variable_that_the_chart_names_is_a_setting():
    text = "\n".join(path.read_text() for path in CHART.rglob("*") if path.is_file())
    named = set(re.findall(r"\bBOOPER_[A-Z_]+\b", text)) - {"BOOPER_PORT"}  # what Kubernetes would set
    assert named <= {setting.name for setting in SETTINGS}


def test_every_value_that_a_template_reads_is_in_the_values():
    paths = {path for file in TEMPLATES for path in re.findall(r"\.Values\.([\w.]+)", file.read_text())}
    assert len(paths) > 15
    for path in paths:
        values = VALUES
        for name in path.split("."):
            assert name in values, path
            values = values[name]


def test_helm_has_nothing_to_complain_of():
    assert complaints() == []


@pytest.mark.parametrize("values", [{}, EVERYTHING, KEDA], ids=["defaults", "everything", "keda"])
def test_kubernetes_knows_every_field(values):
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="pip install -r requirements-chart.lock")
    objects = rendered(values)

    assert len(objects) > 8
    for (kind, name), document in objects.items():
        if kind not in NOT_OF_KUBERNETES:
            kubernetes_validate.validate(document, "1.31", strict=True)
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == RELEASE, name


def pods(values):
    """The command of each container, with the specification of its pod."""
    return {COMMANDS[key]: rendered(values)[key]["spec"]["template"]["spec"] for key in COMMANDS}


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_every_process_would_start_with_its_environment(values):
    for command, pod in pods(values).items():
        [container] = pod["containers"]
        environ = SECRET | {variable["name"]: variable["value"] for variable in container.get("env", [])}
        effective = load(environ)
        assert container["args"] == [command]
        assert container["envFrom"] == [{"secretRef": {"name": "booper"}}]
        assert not effective.embedded
        grace_s = effective.stop_delay_s + effective.shutdown_grace_s
        assert command == "migrate" or pod["terminationGracePeriodSeconds"] > grace_s


def test_no_pod_has_rights_or_writes_to_its_image():
    for pod in pods({}).values():
        [container] = pod["containers"]
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/dev/shm"}


def test_every_pod_reads_the_certificates_that_are_named_and_no_other():
    """PostgreSQL's library takes a key only if root's group alone may read it besides: 0440."""
    for pod in pods(EVERYTHING).values():
        [volume] = [each for each in pod["volumes"] if each["name"] == "certificates"]
        [mount] = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "certificates"]
        assert volume["secret"] == {"secretName": "booper-tls", "defaultMode": 0o440}
        assert (mount["mountPath"], mount["readOnly"]) == ("/etc/booper/tls", True)
    assert all("certificates" not in str(pod) for pod in pods({}).values())


def test_the_schema_is_migrated_before_the_processes_are_replaced():
    job = rendered({})["Job", f"{RELEASE}-migrate"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_every_selector_finds_the_pods_that_it_is_for():
    objects = rendered(EVERYTHING)
    labels = {
        component: objects["Deployment", f"{RELEASE}-{component}"]["spec"]["template"]["metadata"]["labels"]
        for component in ("api", "worker")
    }
    for (kind, name), document in objects.items():
        spec = document["spec"]
        selector = {
            "Service": lambda spec: spec["selector"],
            "Deployment": lambda spec: spec["selector"]["matchLabels"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
        }.get(kind)
        if selector:
            component = "worker" if "worker" in name else "api"
            assert selector(spec).items() <= labels[component].items(), name


def test_prometheus_finds_both_services_and_the_ports_that_they_have():
    objects = rendered(EVERYTHING)
    services = [document for (kind, _), document in objects.items() if kind == "Service"]
    for component in ("api", "worker"):
        spec = objects["ServiceMonitor", f"{RELEASE}-{component}"]["spec"]
        wanted = spec["selector"]["matchLabels"].items()
        [service] = [each for each in services if wanted <= each["metadata"]["labels"].items()]
        assert {end["port"] for end in spec["endpoints"]} <= {port["name"] for port in service["spec"]["ports"]}


def test_what_is_switched_off_is_not_made():
    kinds = {kind for kind, _ in rendered({"networkPolicy": {"enabled": False}})}
    assert kinds == {"Deployment", "Service", "Job", "PodDisruptionBudget"}


def test_an_autoscaled_deployment_names_no_number_of_pods():
    for component in ("api", "worker"):
        key = "Deployment", f"{RELEASE}-{component}"
        assert rendered({})[key]["spec"]["replicas"] == 2
        for values in (EVERYTHING, KEDA):
            assert "replicas" not in rendered(values)[key]["spec"]
        [metric] = rendered(EVERYTHING)["HorizontalPodAutoscaler", f"{RELEASE}-{component}"]["spec"]["metrics"]
        assert metric["type"] == {"api": "Resource", "worker": "External"}[component]


def scaled_by_keda(**autoscaling):
    scaling = {"enabled": True, "by": "keda", "prometheus": PROMETHEUS} | autoscaling
    return rendered({"worker": {"autoscaling": scaling}})["ScaledObject", f"{RELEASE}-worker"]


def test_keda_scales_the_workers_by_the_backlog_and_nothing_else_does():
    objects = rendered(KEDA)
    scaled = objects["ScaledObject", f"{RELEASE}-worker"]["spec"]
    [trigger] = scaled["triggers"]

    assert ("HorizontalPodAutoscaler", f"{RELEASE}-worker") not in objects
    assert ("HorizontalPodAutoscaler", f"{RELEASE}-api") in objects
    assert (scaled["scaleTargetRef"]["kind"], scaled["scaleTargetRef"]["name"]) == ("Deployment", f"{RELEASE}-worker")
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (2, 10)
    assert trigger["metadata"] == {
        "serverAddress": PROMETHEUS["serverAddress"],
        "query": 'max(booper_backlog_jobs{namespace="default"})',
        "threshold": "500",
        "ignoreNullValues": "false",
    }
    assert "authenticationRef" not in trigger


def test_without_keda_there_is_no_object_of_it():
    for values in ({}, EVERYTHING):
        assert not any(kind == "ScaledObject" for kind, _ in rendered(values))


def test_keda_may_have_another_query_and_a_right_to_ask_prometheus():
    rights = {"authModes": "bearer", "authenticationRef": "prometheus", "query": "sum(x)"}
    [trigger] = scaled_by_keda(prometheus=PROMETHEUS | rights)["spec"]["triggers"]
    assert trigger["metadata"]["authModes"] == "bearer"
    assert trigger["metadata"]["query"] == "sum(x)"
    assert trigger["authenticationRef"] == {"name": "prometheus"}


@pytest.mark.parametrize("changed", [{}, {"prometheus": PROMETHEUS | {"authModes": "tls", "authenticationRef": "p"}}])
def test_keda_knows_every_field(changed):
    jsonschema.validate(scaled_by_keda(**changed), OF_KEDA)


def test_the_query_of_the_backlog_names_a_metric_of_ours():
    assert VALUES["worker"]["autoscaling"]["metric"] == BACKLOG.describe()[0].name


def test_the_values_and_those_of_the_tests_are_of_their_schema():
    for values in (VALUES, {}, EVERYTHING, KEDA):
        jsonschema.validate(values, VALUES_SCHEMA)
    assert set(VALUES_SCHEMA["properties"]) == {*VALUES, "global"}  # `global` is Helm's


def workers_scaled(**autoscaling):
    return {"worker": {"autoscaling": autoscaling}}


WRONG = {
    "a misspelt value": {"replica": 3},
    "a setting that is none": {"settings": {"Booper_Hold": "on"}},
    "no worker at all": workers_scaled(minReplicas=0),
    "an unknown scaler": workers_scaled(by="cron"),
    "KEDA without Prometheus": workers_scaled(enabled=True, by="keda", prometheus={"serverAddress": ""}),
    "Prometheus without a scheme": workers_scaled(prometheus={"serverAddress": "prometheus:9090"}),
    "no threshold": workers_scaled(averageValue="0"),
    "a metric that is none": workers_scaled(metric='x"} or vector(1)'),
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
def test_values_that_make_no_sense_are_refused_before_anything_is_made(values):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, VALUES_SCHEMA)
    with pytest.raises(Refused):
        rendered(values)


def test_fewer_workers_at_most_than_at_least_are_refused():
    with pytest.raises(Refused, match="minReplicas must be at most maxReplicas, got 5 and 4"):
        rendered(workers_scaled(enabled=True, by="hpa", minReplicas=5, maxReplicas=4))
