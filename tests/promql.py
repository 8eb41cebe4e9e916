"""What an expression of PromQL asks for, held against what the service exposes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stream.metrics import Metrics

Series = dict[str, dict[str, set[str]]]
"""By name, the labels of a series, each with its values; an empty set where they are not known before they come."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\{[^}]*\})?(?!\s*\()(?![\w:])")
_OPERATORS = {
    "and",
    "or",
    "unless",
    "offset",
    "bool",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "inf",
    "nan",
}
_TARGET = {"job": {"newsstream"}, "instance": set[str]()}
"""The labels that Prometheus adds to everything that it scrapes."""
_FROM_PROMETHEUS: Series = {"up": _TARGET}
_BUILD = {"python", "version"}
"""Labels that are set when the service starts."""


def registered() -> Series:
    """Every series of the service, with Prometheus' own about it."""
    registry = Metrics().registry
    found: Series = {}
    for family in registry.collect():
        collector: Any = registry._names_to_collectors.get(family.name)  # the process' own are made on the spot
        samples = {
            "counter": [f"{family.name}_total"],
            "histogram": [f"{family.name}_{part}" for part in ("bucket", "sum", "count")],
            "info": [f"{family.name}_info"],
        }.get(family.type, [family.name])
        for name in samples:
            names = _BUILD if family.type == "info" else getattr(collector, "_labelnames", ())
            values = {label: {sample.labels[label] for sample in family.samples if label in sample.labels} for label in names}
            found[name] = values | _TARGET | ({"le": set()} if name.endswith("_bucket") else {})
    return found | _FROM_PROMETHEUS


def recorded(rules: Iterable[dict[str, Any]]) -> Series:
    """The series that rules record; they have the labels by which they are grouped last."""
    return {rule["record"]: {label: set() for label in grouped(rule["expr"])} for rule in rules if "record" in rule}


def grouped(expression: str) -> set[str]:
    """The labels that the first, so outermost, grouping keeps; none where there is none."""
    for kind, labels in _GROUPING.findall(expression):
        if kind == "by" and not expression.startswith(("count(count", "histogram_quantile")):
            return _labels(labels)
        if kind == "by" and expression.startswith("histogram_quantile"):
            return _labels(labels) - {"le"}
    return set()


def unknown(expression: str, known: Series) -> list[str]:
    """What an expression asks for that nobody exposes: metrics, labels, values of closed labels."""
    found = []
    labels: set[str] = set()
    bare = _GROUPING.sub(" ", re.sub(r"\[[^]]*\]", " ", expression))
    for name, selector in _NAME.findall(_without_quoted_names(bare)):
        if name.lower() in _OPERATORS:
            continue
        if name not in known:
            found.append(name)
            continue
        labels |= set(known[name])
        for label, operator, value in _MATCHER.findall(selector):
            closed = known[name].get(label)
            if closed is None:
                found.append(f"{name}{{{label}}}")
            elif closed:
                wanted = value.split("|") if operator in {"=~", "!~"} else [value]
                found += [f"{name}{{{label}={one}}}" for one in wanted if one not in closed]
    asked = {label for _, group in _GROUPING.findall(expression) for label in _labels(group)}
    return [*found, *sorted(asked - labels)]


def _labels(group: str) -> set[str]:
    return {label.strip() for label in group.split(",") if label.strip()}


def _without_quoted_names(expression: str) -> str:
    """The expression without strings outside of selectors, whose words are no names."""
    return re.sub(r"\{[^}]*\}|" + _QUOTED.pattern, lambda found: found[0] if found[0].startswith("{") else '""', expression)
