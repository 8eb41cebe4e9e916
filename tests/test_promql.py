"""The reader of PromQL, on which the checks of rules and dashboards rest, sees what is wrong."""

from __future__ import annotations

import pytest

from tests import promql


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("sum(rate(new_articles_total[5m]))", ["new_articles_total"]),
        ('rate(news_articles_total{outcom="rejected"}[5m])', ["news_articles_total{outcom}"]),
        ('rate(news_articles_total{outcome="refused"}[5m])', ["news_articles_total{outcome=refused}"]),
        ('rate(news_rejected_total{reason=~"crashed|timedout"}[5m])', ["news_rejected_total{reason=timedout}"]),
        ('rate(news_stage_seconds_sum{stage!="publishing"}[5m])', ["news_stage_seconds_sum{stage=publishing}"]),
        ("sum by (partitions) (news_consumer_lag_messages)", ["partitions"]),
        ("news_in_flight_articles > 0 and news_articles > 0", ["news_articles"]),
        ("sum by (stage) (rate(news_stage_second_count[$__rate_interval]))", ["news_stage_second_count", "stage"]),
        ("count by (version, pyton) (news_build_info)", ["pyton"]),
        ("histogram_quantile(0.99, sum by (le) (rate(news_end_to_end_seconds[5m])))", ["news_end_to_end_seconds", "le"]),
        ("rate(news_stage_seconds_bucket[5m]) + on (instance) group_left (bulid) news_build_info", ["bulid"]),
        ("histogram_quantile(0.99, sum by (le, stage) (rate(news_stage_seconds_bucket[5m])))", []),
        ('count(up{job="newsstream"} == 1) > 0', []),
        ('up{job="newstream"} == 0', ["up{job=newstream}"]),
        ('label_replace(up, "kind", "$1", "instance", "(.*)") offset 1h', []),
        ("time() - max(news_last_acknowledged_timestamp_seconds > 0)", []),
    ],
)
def test_a_typo_in_an_expression_is_seen(expression: str, unknown: list[str]) -> None:
    """It knows metrics from functions, operators, durations, strings and labels."""
    assert promql.unknown(expression, promql.registered()) == unknown


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("sum by (reason) (rate(news_rejected_total[5m]))", {"reason"}),
        ("histogram_quantile(0.95, sum by (le, stage) (rate(news_stage_seconds_bucket[5m])))", {"stage"}),
        ("count(count by (partition) (news_consumer_lag_messages))", set()),
        ("sum(rate(news_articles_total[5m]))", set()),
    ],
)
def test_the_labels_that_an_expression_keeps_are_known(expression: str, labels: set[str]) -> None:
    """A legend may name these, and no other."""
    assert promql.grouped(expression) == labels
