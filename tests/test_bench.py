"""The arithmetic of the benchmark: medians, spreads, when nothing is claimed, and the last line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import corpus, ratios, report, summary
from bench.ratios import Figure, Machine

ROUNDS = 5
CIRCUMSTANCES = {"cores": 2, "cpu": "test", "python": "3.11", "kafka": "4", "load": 0.1, "quick": False, "text": "seeds"}


def run(rate: float) -> dict[str, Any]:
    """One run of a contender."""
    return {"rate": rate, "cpu": 0.15, "loop": 0.005, "start": 4.0, "largest": 300, "together": 800, "articles": 100}


def results(**rates: list[float]) -> dict[str, dict[str, Any]]:
    """Kept results of as many rounds as there are rates."""
    rounds = [
        {name: run(values[number]) for name, values in rates.items()} | {"limit: one process × cores": {"rate": 14.0}}
        for number in range(len(next(iter(rates.values()))))
    ]
    return {"throughput": {"circumstances": CIRCUMSTANCES, "rounds": rounds, "failures": []}}


def test_a_figure_is_the_median_and_half_of_what_lies_between_the_ends() -> None:
    """Three rounds of 9, 10 and 12: 10, ±15 %."""
    figure = Figure.of([12.0, 9.0, 10.0])

    assert (figure.median, figure.least, figure.most, figure.rounds) == (10.0, 9.0, 12.0, 3)
    assert figure.spread == pytest.approx(0.15)


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that is twice as slow in one round changes both rates, and not their ratio."""
    figure = ratios.ratio([12.0, 6.0, 12.0], [6.0, 3.0, 6.0])

    assert figure.median == 2
    assert figure.spread == 0


@pytest.mark.parametrize(
    ("values", "why"),
    [([2.0] * (ROUNDS - 1), "at least 5 are needed"), ([1.0, 2.0, 2.0, 2.0, 3.0], "±50%, at most ±15% is allowed")],
    ids=["too few rounds", "too far apart"],
)
def test_what_the_rounds_do_not_support_is_not_claimed(values: list[float], why: str) -> None:
    """The harness refuses, and says why."""
    with pytest.raises(ratios.NoisyError, match=why.replace("±", ".")):
        ratios.claimed(Figure.of(values))


def test_what_they_support_is() -> None:
    """The median."""
    assert ratios.claimed(Figure.of([1.9, 2.0, 2.0, 2.1, 2.0])) == 2.0


@pytest.mark.parametrize(
    ("values", "expected"), [([1.7, 1.8], "yes"), ([1.6, 1.8], "within noise"), ([1.5, 1.69], "no")], ids=str
)
def test_a_promise_holds_only_where_every_round_says_so(values: list[float], expected: str) -> None:
    """Rounds on both sides settle nothing."""
    assert ratios.verdict(Figure.of(values), least=1.7) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)], ids=["median", "p99", "most", "least"]
)
def test_percentiles_are_values_that_occurred(share: float, expected: int) -> None:
    """Nearest rank, of the numbers from 1 to 100."""
    assert ratios.percentile([float(number) for number in range(100, 0, -1)], share) == expected


def test_every_second_round_runs_backwards() -> None:
    """So that nobody always comes after the same neighbour."""
    assert [ratios.order(["a", "b", "c"], number) for number in range(3)] == [["a", "b", "c"], ["c", "b", "a"], ["a", "b", "c"]]


def test_the_model_is_linear_until_the_loop_is_saturated() -> None:
    """An article of 99 ms with 1 ms in the loop: ten a second for each core, and never more than a thousand."""
    machine = Machine(pool=0.099, loop=0.001)

    assert ratios.predicted(machine, cores=1) == pytest.approx(10)
    assert ratios.predicted(machine, cores=64) == pytest.approx(640)
    assert ratios.predicted(machine, cores=1000) == pytest.approx(1000)
    assert ratios.saturated_at(machine) == pytest.approx(100)


def test_the_last_line_is_one_object_with_efficiency_and_ratios() -> None:
    """As `make bench` promises."""
    found = results(newsstream=[13.0] * ROUNDS, faust_agent=[6.5] * ROUNDS)

    line = summary.last_line(found)

    answer = json.loads(line)
    assert "\n" not in line
    assert answer["efficiency"] == pytest.approx(13 / 14, abs=0.001)
    assert answer["ratios"] == {"faust_agent": 2.0}
    assert answer["refused"] == {"efficiency_at_once": "not measured"}


def test_a_noisy_ratio_is_null_in_the_last_line_and_refused_on_the_page() -> None:
    """No figure without rounds that agree."""
    found = results(newsstream=[13.0] * ROUNDS, faust_agent=[6.5, 3.0, 6.5, 9.0, 6.5])

    answer = json.loads(summary.last_line(found))

    assert answer["ratios"] == {"faust_agent": None}
    assert "the rounds differ by" in answer["refused"]["faust_agent"]
    assert "refused (the rounds differ by" in report.document(found)


def test_who_failed_in_a_round_is_compared_over_the_others() -> None:
    """A failure is no rate of zero; four rounds of five are too few for a claim."""
    found = results(newsstream=[13.0] * ROUNDS, faust_agent=[6.5] * ROUNDS)
    del found["throughput"]["rounds"][2]["faust_agent"]
    found["throughput"]["failures"] = [{"round": 3, "name": "faust_agent", "what": "it ended with 1"}]

    figure = summary.compared(found, "newsstream", "faust_agent")

    assert figure is not None
    assert (figure.median, figure.rounds) == (2.0, ROUNDS - 1)
    assert summary.refused(figure) == "4 rounds, at least 5 are needed"
    assert "- throughput: faust_agent: it ended with 1" in report.document(found)


def test_the_promises_name_what_is_wanted_and_what_was_found() -> None:
    """1.7 times whoever uses one core."""
    found = results(newsstream=[13.0] * ROUNDS, faust_agent=[8.0] * ROUNDS, arroyo_pool=[12.0] * ROUNDS)

    verdicts = {one.what: one.verdict for one in summary.promises(found)}

    assert verdicts["newsstream ÷ faust_agent"] == "no"
    assert verdicts["newsstream ÷ arroyo_pool"] == "yes"
    assert verdicts["first article acknowledged after"] == "yes"


def test_articles_are_the_same_in_every_run_and_share_no_paragraph() -> None:
    """What the encoder remembers of one article helps it with no other."""
    one, other = (corpus.articles(22, folder=None, words=60) for _ in range(2))

    paragraphs = [line for article in one for line in json.loads(article.value)["text"].split("\n\n")]
    assert one == other
    assert len(set(paragraphs)) == len(paragraphs)
    assert len({article.language for article in one}) == 10


def test_raw_text_is_read_where_it_is_given(tmp_path: Path) -> None:
    """One sentence a line, a file for each language."""
    (tmp_path / "wikipedia_it.txt").write_text("Una frase di prova molto semplice.\ntroppo corta\n", "utf-8")

    [article] = corpus.articles(1, folder=tmp_path, words=20)

    assert article.language == "it"
    assert "Una frase" in json.loads(article.value)["text"]
    assert "corta" not in article.value.decode()
