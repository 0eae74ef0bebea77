"""Renders the chart of Helm: by the program `helm`, or by its library for Python (requirements-chart.lock)."""

import functools
import importlib.util
import json
import shutil
import subprocess

import pytest
import yaml

from tests.support.documents import ROOT

CHART = ROOT / "deploy/helm/booper"
RELEASE = "jobs"


def _fields(required=(), **fields):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": fields}


_TEXT, _COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
_NAMED = _fields(["name"], name=_TEXT, kind=_TEXT, apiVersion=_TEXT)
_TRIGGER = _fields(
    ["type", "metadata"],
    type={"const": "prometheus"},
    metricType={"enum": ["AverageValue", "Value"]},
    authenticationRef=_NAMED,
    metadata=_fields(
        ["serverAddress", "query", "threshold"],
        **dict.fromkeys(("serverAddress", "query", "threshold", "ignoreNullValues", "authModes"), _TEXT),
    ),
)
# What KEDA takes of what we use (keda.sh/v1alpha1): kubernetes-validate has no schemas of it.
OF_KEDA = _fields(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata={"type": "object"},
    spec=_fields(
        ["scaleTargetRef", "triggers"],
        scaleTargetRef=_NAMED,
        pollingInterval=_COUNT,
        minReplicaCount=_COUNT,
        maxReplicaCount=_COUNT,
        triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
        advanced=_fields(
            horizontalPodAutoscalerConfig=_fields(
                behavior=_fields(scaleDown=_fields(stabilizationWindowSeconds=_COUNT | {"maximum": 3600}))
            )
        ),
    ),
)


class Refused(Exception):
    """Helm takes these values not; the text says why."""


def rendered(values):
    """The objects that the chart makes with these values, by kind and name. Raises Refused where it makes none."""
    documents = [document for text in _texts(json.dumps(values)) for document in yaml.safe_load_all(text) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


@functools.cache
def _texts(values):
    if importlib.util.find_spec("helm_python"):
        return _by_library(values)
    if shutil.which("helm"):
        command = ["helm", "template", RELEASE, str(CHART), "--values", "-"]
        done = subprocess.run(command, input=values, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Refused(done.stderr)
        return [done.stdout]
    pytest.skip("neither helm nor its library is installed (pip install -r requirements-chart.lock)")


def _by_library(values):
    import helm_python

    chart = helm_python.Chart.load(str(CHART))
    try:
        texts = chart.render(json.loads(values), name=RELEASE, namespace="default")
    except helm_python.errors.HelmError as error:
        raise Refused(str(error)) from None
    return [text for path, text in texts.items() if path.endswith(".yaml")]


def complaints():
    """What `helm lint` complains of."""
    if importlib.util.find_spec("helm_python"):
        import helm_python

        report = helm_python.lint(str(CHART), strict=True)
        return [message for message in report["messages"] if message["severity"] > 1] + report["errors"]
    if shutil.which("helm"):
        run = subprocess.run(["helm", "lint", "--strict", str(CHART)], capture_output=True, text=True, timeout=60)
        return [] if run.returncode == 0 else [run.stdout]
    pytest.skip("neither helm nor its library is installed (pip install -r requirements-chart.lock)")
