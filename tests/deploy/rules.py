"""Prometheus' rules as the operator of Kubernetes takes them; ``python -m tests.deploy.rules`` (``make docs``) writes them."""

from __future__ import annotations

from textwrap import indent

from tests.deploy.places import PROMETHEUS, ROOT

SOURCE = PROMETHEUS / "rules.yml"
TARGET = ROOT / "deploy" / "kubernetes" / "components" / "metrics" / "prometheusrule.yaml"

_HEAD = """\
# Written from deploy/prometheus/rules.yml by `make docs`: change the rules there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: newsstream
  labels: {app.kubernetes.io/name: newsstream}
spec:
"""


def rendered() -> str:
    """The manifest: its head, then the rules as they are, moved in."""
    return _HEAD + indent(SOURCE.read_text(encoding="utf-8"), "  ")


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
