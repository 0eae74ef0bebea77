"""The chart of Helm, rendered as Helm does and held to Kubernetes's schemas; without Helm, what can be read of it."""

import re

import pytest
import yaml

from runtime.settings import SETTINGS, load
from runtime.version import __version__
from tests.support.charts import CHART, RELEASE, complaints, rendered

TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
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
    "worker": {"autoscaling": {"enabled": True}},
    "networkPolicy": {"apiFrom": [{"podSelector": {"matchLabels": {"app": "proxy"}}}]},
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "jobs", "operator": "Exists"}],
    "podAnnotations": {"a": "b"},
}
NOT_OF_KUBERNETES = {"ServiceMonitor"}
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


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
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
        assert "replicas" not in rendered(EVERYTHING)[key]["spec"]
        [metric] = rendered(EVERYTHING)["HorizontalPodAutoscaler", f"{RELEASE}-{component}"]["spec"]["metrics"]
        assert metric["type"] == {"api": "Resource", "worker": "External"}[component]
