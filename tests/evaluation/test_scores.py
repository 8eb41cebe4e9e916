"""Figures are right on cases that can be counted by hand, and their intervals hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.evaluation import scores

KINDS = st.sampled_from(["AID", "ASSAULT", "NONE"])


def test_precision_recall_and_f1_of_a_class() -> None:
    """Two of three said are right, of four that are gold."""
    pairs = [("AID", "AID"), ("AID", "AID"), ("AID", "NONE"), ("AID", "NONE"), ("NONE", "AID")]

    aid = scores.by_class(pairs)[0]

    assert (aid.name, aid.support, aid.said) == ("AID", 4, 3)
    assert aid.precision == pytest.approx(2 / 3)
    assert aid.recall == pytest.approx(1 / 2)
    assert aid.f1 == pytest.approx(4 / 7)


def test_macro_f1_is_the_mean_over_gold_classes() -> None:
    """A class that is never gold counts against those that it was taken for, not as a class of its own."""
    pairs = [("AID", "AID"), ("ASSAULT", "COERCE")]

    assert scores.macro(pairs).value == pytest.approx(0.5)


@given(st.lists(st.tuples(KINDS, KINDS), min_size=1, max_size=40))
def test_an_interval_lies_in_order_between_nothing_and_everything(pairs: list[tuple[str, str]]) -> None:
    """Low before high, both shares; the macro figure equals the mean of the classes."""
    found = scores.macro(pairs)
    gold = {name for name, _ in pairs}
    by_hand = [one.f1 for one in scores.by_class(pairs) if one.name in gold]

    assert 0 <= found.low <= found.high <= 1
    assert found.value == pytest.approx(sum(by_hand) / len(by_hand))


def test_more_sentences_make_a_narrower_interval() -> None:
    """The same share of right answers, from ten sentences and from a thousand."""
    few, many = ([True, False] * count for count in (5, 500))

    wide, narrow = scores.share(few), scores.share(many)

    assert wide.value == narrow.value == 0.5
    assert narrow.high - narrow.low < (wide.high - wide.low) / 3


def test_a_confidence_that_means_what_it_says_has_no_error() -> None:
    """Eight of ten that were said with 0.8 are right; and one that always says 0.9 and is right half the time is off by 0.4."""
    honest = [(0.8, number < 8) for number in range(10)]
    boastful = [(0.9, number % 2 == 0) for number in range(10)]

    assert scores.calibration(honest)[0] == pytest.approx(0.0)
    assert scores.calibration(boastful)[0] == pytest.approx(0.4)


def test_confusion_counts_every_pair_once() -> None:
    """Rows are gold, columns what was said."""
    names, table = scores.confusion([("AID", "NONE"), ("AID", "NONE"), ("NONE", "NONE")])

    assert names == ["AID", "NONE"]
    assert table.tolist() == [[0, 2], [0, 1]]
