"""The alerts and the dashboard against the metrics that the code has: names, labels, values, and the way to a remedy.

The expressions are parsed as Prometheus does. RabbitMQ's own names are held to a real node by
tests/journeys/test_rabbitmq_metrics.py.
"""

import json
import re
import shutil
import subprocess

import promql_parser
import pytest
import yaml

from models.jobs import transition_counts
from runtime import metrics
from tests.support.documents import ROOT, table
from tests.support.rabbitmq_metrics import OF_RABBITMQ

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "booper.json").read_text())
TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for _, target in TARGETS]
OF_PROMETHEUS = {"instance", "job"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
VALUES = {"transition": set(transition_counts.NAMES), "status": {*"12345", "2xx", "500", "none"}}


def known():
    """Every series that there is: its name and its labels."""
    series = dict(OF_RABBITMQ)
    for metric in metrics.REGISTRY._collector_to_names:
        for suffix in SUFFIXES[metric._type]:
            series[metric._name + suffix] = {*metric._labelnames, *({"le"} if suffix == "_bucket" else ())}
    return series


class Query:
    """The series, matchers and grouping labels of an expression."""

    def __init__(self, expression):
        self.series, self.grouped = [], set()
        self._walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")))

    def _walk(self, node):
        if isinstance(node, promql_parser.VectorSelector):
            self.series.append((node.name, node.matchers.matchers))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            self.grouped |= set(node.modifier.labels)
        for name in ("expr", "lhs", "rhs", "vector_selector", "vs", "param"):
            child = getattr(node, name, None)
            if isinstance(child, promql_parser.Expr):
                self._walk(child)
        for child in getattr(node, "args", None) or []:
            self._walk(child)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(expression):
    there, query = known(), Query(expression)
    assert query.series
    for name, matchers in query.series:
        assert name in there
        assert {matcher.name for matcher in matchers} <= there[name] | OF_PROMETHEUS
        assert query.grouped <= there[name] | OF_PROMETHEUS | {"le"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_matcher_can_match(expression):
    for _, matchers in Query(expression).series:
        for matcher in matchers:
            if matcher.name in VALUES and matcher.op == promql_parser.MatchOp.Re:
                for choice in matcher.value.split("|"):
                    assert any(re.fullmatch(choice, value) for value in VALUES[matcher.name])


@pytest.mark.parametrize(
    "broken", ["sum(rate(booper_jobs[5m]))", 'booper_jobs_total{host="a"}', "sum by (account) (booper_jobs_total)"]
)
def test_a_wrong_name_or_label_is_found(broken):
    with pytest.raises(AssertionError):
        test_an_expression_asks_for_what_there_is(broken)


def test_every_metric_is_on_the_dashboard_but_the_version():
    shown = {name for _, target in TARGETS for name, _ in Query(target["expr"]).series}
    bases = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    wanted = {re.sub("_(bucket|sum|count)$", "", name) for name in known()} - set(OF_RABBITMQ)
    # The stager's last round stands still whenever the ticker's does; it has an alert.
    assert wanted - bases == {"booper_build_info", "booper_stager_last_round_timestamp_seconds"}


def test_the_table_of_the_documentation_lists_every_metric_with_its_labels():
    listed = {name: labels for name, labels, _ in table("docs/operating.md", "## Metrics")}
    wanted = {}
    for metric in metrics.REGISTRY._collector_to_names:
        name = metric._name + ("_total" if metric._type == "counter" else "")
        wanted[name] = "`, `".join(metric._labelnames)
    assert listed == wanted


def headings():
    lines = re.findall(r"^#+ (.*)$", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_its_problem_severity_and_remedy(rule):
    """An alert says what is wrong how bad and where the remedy is."""
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    document, _, heading = rule["annotations"]["runbook"].partition("#")
    assert document == "docs/operating.md"
    assert heading in headings()
    assert rule["annotations"]["summary"]


def test_alerts_and_panels_have_names_of_their_own():
    for names in ([rule["alert"] for rule in RULES], [panel["title"] for panel in DASHBOARD["panels"]]):
        assert len(names) == len(set(names))


def test_what_an_operator_must_be_warned_of_has_an_alert():
    watched = {name for rule in RULES for name, _ in Query(rule["expr"]).series}
    assert watched >= {
        "booper_lateness_seconds_bucket",
        "booper_backlog_oldest_age_seconds",
        "booper_ticker_last_round_timestamp_seconds",
        "booper_attempts_total",
        "rabbitmq_detailed_queue_messages_ready",
    }


def test_panels_do_not_overlap():
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_takes_the_rules():
    subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True, timeout=60)
