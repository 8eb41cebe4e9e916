"""Train the scorer of events on the corpus: ``python -m training.events.train [--encoder FOLDER]`` (``make train-events``).

Fits a logistic model of what lexicons and encoder say on the tuning part of the corpus, which the encoder has never seen; chooses
on the held-out part the least confidence at which enough of the events that are said are right, and few are said of sport and its
like; and writes
``stream/assets/events/scorer.json``, for each of the two engines. The same corpus and encoders give the same file. Where no
encoder reads (a spaCy pipeline of the user's), the weights that the authors of the lexicons gave stand alone: see
docs/decisions/events-encoder.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from stream import entities, events, text
from stream.evaluation import corpus
from stream.events import candidates, scoring
from stream.records import Engine, Modality

CORPUS = Path(__file__).parents[1] / "corpus"
OUT = Path(__file__).parents[2] / "stream" / "assets" / "events" / "scorer.json"
PRECISION = 0.85
"""A wrong event is worse than a missing one: 0.8 is what was asked for."""
ALARMS = 0.03
"""Share of sentences of sport, weather, markets and culture without an event in which one may be said."""
_WEIGHT = 3.0
"""What a candidate in such a sentence weighs beside any other."""
_STEPS = 60

Row = tuple[dict[str, float], bool, float]
"""Features of a candidate, whether it is right, and what it weighs."""


def rows(examples: Sequence[corpus.Example], entity_models: entities.Models, event_models: events.Models) -> list[Row]:
    """Every candidate of some sentences; right is one whose type is gold there."""
    found = []
    for example in examples:
        weight = _WEIGHT if _aside(example) else 1.0
        document = text.clean(None, example.text)
        reading = entities.read(document, language=example.language, article_id="x", models=entity_models)
        for one in candidates.read(
            document,
            reading.entities,
            reading.signs,
            reading.gists,
            known=event_models.lexicons[example.language],
            media=event_models.media,
            year=None,
        ):
            kind = events.told(one)
            found.append((scoring.named(one.features), any(event.type == kind for event in example.events), weight))
    return found


def _aside(example: corpus.Example) -> bool:
    return not example.events and example.aside


def fit(data: Sequence[Row], *, prior: dict[str, float], strength: float) -> dict[str, float]:
    """Weights of a logistic model by Newton's method, each pulled towards its prior."""
    names = sorted({name for features, _, _ in data for name in features} | set(prior))
    values = np.array([[features.get(name, 0.0) for name in names] for features, _, _ in data])
    truth = np.array([float(right) for _, right, _ in data])
    heavy = np.array([weight for _, _, weight in data])
    centre = np.array([prior.get(name, 0.0) for name in names])
    pull = np.array([strength / 10 if name == "bias" else strength for name in names])
    weights: NDArray[np.float64] = centre.copy()

    def loss(weights: NDArray[np.float64]) -> float:
        odds = values @ weights
        return float((heavy * (np.logaddexp(0, odds) - truth * odds)).sum() + (pull * (weights - centre) ** 2).sum() / 2)

    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(values @ weights, -30, 30)))
        slope = values.T @ (heavy * (said - truth)) + pull * (weights - centre)
        bend = (values * (heavy * said * (1 - said))[:, None]).T @ values + np.diag(pull)
        step = np.linalg.solve(bend, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-8:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True) if abs(weight) >= 5e-4}


def said(
    examples: Sequence[corpus.Example], entity_models: entities.Models, event_models: events.Models
) -> tuple[list[tuple[float, bool]], list[float]]:
    """What would be said of some sentences, however unsure.

    Returns:
        The confidence of every event and whether its type is gold there; and for each sentence of sport and its like in which
        nothing happens, the confidence of the surest event that is said as a fact, of today or to come.

    """
    found, alarms = [], []
    for example in examples:
        document = text.clean(None, example.text)
        reading = entities.read(document, language=example.language, article_id="x", models=entity_models)
        told = events.find(
            document,
            reading.entities,
            language=example.language,
            article_id="x",
            models=event_models,
            signs=reading.signs,
            gists=reading.gists,
            reader=reading.engine,
            threshold=0.0,
        )
        gold = {event.type for event in example.events}
        found += [(one.confidence, one.type.value in gold) for one in told]
        if _aside(example):
            facts = (one.confidence for one in told if one.modality in {Modality.ASSERTED, Modality.FUTURE})
            alarms.append(max(facts, default=0.0))
    return found, alarms


def threshold(told: Sequence[tuple[float, bool]], alarms: Sequence[float]) -> float:
    """The least confidence, in hundredths, that keeps to `PRECISION` and to `ALARMS`."""
    for hundredths in range(20, 90):
        least = hundredths / 100
        kept = [right for sure, right in told if sure >= least]
        if kept and sum(kept) / len(kept) >= PRECISION and sum(one >= least for one in alarms) <= ALARMS * len(alarms):
            return least
    return 0.9


def main() -> None:
    """Fit, choose, write, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, default=entities.BUNDLED, help="folder of the encoder")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    event_models = events.load()
    examples = [one for language in corpus.LANGUAGES for one in corpus.read(CORPUS / f"{language}.txt")]
    tuning, held_out = ([one for one in examples if one.part == part] for part in ("tuning", "held-out"))
    scorers = {"lexicon": {"weights": {"rule": 1.0}, "threshold": 0.5}}
    for engine in get_args(Engine):
        entity_models = entities.load(pipelines={}, engine=engine, bundled=chosen.encoder)
        weights = fit(
            rows(tuning, entity_models, event_models),
            prior={"rule": 0.5, "sign": 0.7, "article elsewhere of an unlisted": -0.7},
            strength=0.5,
        )
        told, alarms = said(held_out, entity_models, replace(event_models, scorers={engine: scoring.Scorer(weights, 0.0)}))
        least = threshold(told, alarms)
        kept = [right for sure, right in told if sure >= least]
        aside = sum(one >= least for one in alarms)
        print(
            f"{engine}: {len(weights)} weights, threshold {least}: {sum(kept)} of {len(kept)} held-out events are right, "
            f"one is said in {aside} of {len(alarms)} sentences aside"
        )
        scorers[engine] = {"weights": dict(sorted(weights.items())), "threshold": least}
    chosen.out.write_text(json.dumps({"scorers": scorers}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
