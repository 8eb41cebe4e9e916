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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from stream import entities, events, text
from stream.evaluation import corpus
from stream.events import candidates, parts, scoring
from stream.records import Document, Engine, Modality

CORPUS = Path(__file__).parents[1] / "corpus"
OUT = Path(__file__).parents[2] / "stream" / "assets" / "events" / "scorer.json"
PRECISION = 0.88
"""A wrong event is worse than a missing one."""
ALARMS: dict[Engine, float] = {"accurate": 0.03, "fast": 0.05}
"""Share of sentences of sport, weather, markets and culture without an event in which one may be said; most were written to
mislead. The fast engine would have to keep silent about a fifth of what it knows to stay below three in a hundred."""
_WEIGHT = 3.0
"""What a candidate in such a sentence weighs beside any other."""
_STEPS = 60

SURE = {"actor": 0.7, "recipient": 0.6}
"""Probability from which a name is said to take part: a wrong one is worse than a missing one, too."""
_PULL = 5.0
"""What draws each of their weights towards nothing."""

Row = tuple[dict[str, float], bool, float]
"""Features of a candidate, whether it is right, and what it weighs."""


class Read(NamedTuple):
    """A sentence of the corpus, and what an engine sees in it."""

    example: corpus.Example
    document: Document
    reading: entities.Reading


def read(examples: Sequence[corpus.Example], models: entities.Models) -> list[Read]:
    """What an engine sees in some sentences."""
    found = []
    for one in examples:
        document = text.clean(None, one.text)
        found.append(Read(one, document, entities.read(document, language=one.language, article_id="x", models=models)))
    return found


def _candidates(one: Read, models: events.Models) -> Iterator[candidates.Candidate]:
    return candidates.read(
        one.document,
        one.reading.entities,
        one.reading.signs,
        one.reading.gists,
        known=models.lexicons[one.example.language],
        media=models.media,
        year=None,
    )


def rows(sentences: Sequence[Read], models: events.Models) -> list[Row]:
    """Every candidate of some sentences; right is one whose type is gold there."""
    return [
        (
            scoring.named(found.features),
            any(event.type == events.told(found) for event in one.example.events),
            _WEIGHT if _aside(one.example) else 1.0,
        )
        for one in sentences
        for found in _candidates(one, models)
    ]


def part_rows(sentences: Sequence[Read], models: events.Models) -> dict[str, list[Row]]:
    """Every name beside a candidate that is an event; right is one that acts in it, or to which it is done."""
    found: dict[str, list[Row]] = {"actor": [], "recipient": []}
    for one in sentences:
        if one.document.text != one.example.text:
            continue
        spans = {mention.number: (mention.start, mention.end) for mention in one.example.mentions}
        named = {
            entity.id: [(mention.start, mention.end) for mention in entity.mentions if mention.field == "text"]
            for entity in one.reading.entities
        }
        for candidate in _candidates(one, models):
            gold = _gold(candidate, one.example)
            if gold is None:
                continue
            for party, features in parts.named(candidate):
                mine = [span for who in party.ids for span in named[who]]
                for role, numbers in (("actor", gold.actors), ("recipient", gold.recipients)):
                    theirs = [spans[number] for number in numbers]
                    right = any(start < end and first < last for first, end in mine for start, last in theirs)
                    found[role].append((features, right, 1.0))
    return found


def _gold(one: candidates.Candidate, example: corpus.Example) -> corpus.Event | None:
    """The event of the corpus that a candidate is: of its type, and if there are several, where its trigger stands."""
    kind, (start, end) = events.told(one), one.span
    same = [event for event in example.events if event.type == kind]
    return next((event for event in same if event.start < end and start < event.end), next(iter(same), None))


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


def said(sentences: Sequence[Read], models: events.Models) -> tuple[list[tuple[float, bool]], list[float]]:
    """What would be said of some sentences, however unsure.

    Returns:
        The confidence of every event and whether its type is gold there; and for each sentence of sport and its like in which
        nothing happens, the confidence of the surest event that is said as a fact, of today or to come.

    """
    found, alarms = [], []
    for example, document, reading in sentences:
        told = events.find(
            document,
            reading.entities,
            language=example.language,
            article_id="x",
            models=models,
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


def threshold(told: Sequence[tuple[float, bool]], alarms: Sequence[float], engine: Engine) -> float:
    """The least confidence, in hundredths, that keeps to `PRECISION` and to the `ALARMS` of an engine."""
    for hundredths in range(20, 90):
        least = hundredths / 100
        kept = [right for sure, right in told if sure >= least]
        if kept and sum(kept) / len(kept) >= PRECISION and sum(one >= least for one in alarms) <= ALARMS[engine] * len(alarms):
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
    scorers: dict[str, object] = {"lexicon": {"weights": {"rule": 1.0}, "threshold": 0.5}}
    taking_part: dict[str, object] = {}
    for engine in get_args(Engine):
        entity_models = entities.load(pipelines={}, engine=engine, bundled=chosen.encoder)
        tuned = read(tuning, entity_models)
        weights = fit(
            rows(tuned, event_models),
            prior={"rule": 0.5, "sign": 0.7},
            strength=0.5,
        )
        kept_out = read(held_out, entity_models)
        roles = _fit_parts(part_rows(tuned, event_models), part_rows(kept_out, event_models), engine)
        fitted = replace(event_models, scorers={engine: scoring.Scorer(weights, 0.0)}, weighers={engine: parts.Weigher(**roles)})
        told, alarms = said(kept_out, fitted)
        least = threshold(told, alarms, engine)
        kept = [right for sure, right in told if sure >= least]
        aside = sum(one >= least for one in alarms)
        print(
            f"{engine}: {len(weights)} weights, threshold {least}: {sum(kept)} of {len(kept)} held-out events are right, "
            f"one is said in {aside} of {len(alarms)} sentences aside"
        )
        scorers[engine] = {"weights": dict(sorted(weights.items())), "threshold": least}
        taking_part[engine] = {role: asdict(scorer) for role, scorer in roles.items()}
    written = json.dumps({"scorers": scorers, "parts": taking_part}, indent=1, sort_keys=True)
    chosen.out.write_text(written + "\n", encoding="utf-8")


def _fit_parts(tuned: dict[str, list[Row]], held_out: dict[str, list[Row]], engine: str) -> dict[str, scoring.Scorer]:
    """What tells who acts and who suffers, and on the held-out part how well."""
    fitted = {}
    for role, data in tuned.items():
        weights = fit(data, prior={}, strength=_PULL)
        scorer = scoring.Scorer(weights, SURE[role])
        answers = [(scorer.probability(features) >= scorer.threshold, right) for features, right, _ in held_out[role]]
        hits, claims, gold = (sum(some) for some in zip(*((said and right, said, right) for said, right in answers), strict=True))
        print(f"{engine}: {len(weights)} weights for {role}: {hits} of {claims} names said are right, of {gold}")
        fitted[role] = scorer
    return fitted


if __name__ == "__main__":
    main()
