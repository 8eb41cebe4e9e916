"""How sure we are of a trigger: features of its place, weighed by what was learned from the corpus."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.events.matching import Match
from stream.events.modality import VERBS
from stream.events.people import ACTING
from stream.events.roles import Clause, Roles
from stream.events.signs import Signs
from stream.records import EventType, FieldName, Modality

FIELDS_OF_LIFE = ("damp.sport", "damp.weather", "damp.market", "damp.culture")


@dataclass(frozen=True, slots=True)
class Around:
    """What a sentence has beside one trigger."""

    others: int
    """Other triggers."""
    same: float
    """The highest probability that the encoder gives to one of them of the same type."""
    other: float
    """The same, of another type."""
    most: float
    """The highest probability that any word triggers an event."""
    all: float
    """The sum of these probabilities."""
    words: int


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of one trigger."""

    weight: float
    actor: bool
    recipient: bool
    named: bool
    anybody: bool
    verb: bool
    title: bool
    embedded: bool
    modality: Modality
    elsewhere: int
    """Distinct words of sport, weather, markets or culture in the sentence: the largest of the four."""
    article_elsewhere: float
    """The same per hundred words of the article."""
    later: bool
    """Another verb of the sentence tells of an event before it."""
    subordinate: bool
    """A word that opens a side clause stands before it: ``after the army attacked``."""
    length: int
    type: EventType
    listed: bool
    """A lexicon has the trigger; else the encoder alone speaks."""
    sign: float
    """Probability of the type that the encoder gives to the trigger."""
    rival: float
    """The highest probability of another type there."""
    around: Around
    """What else the sentence has."""
    told: float | None = None
    """Probability that the sentence as a whole tells of the type; None where nobody read it so."""
    told_rival: float = 0.0
    """The highest probability that it tells of another."""
    aside: float = 0.0
    """Probability that it is about sport, weather, markets or culture."""


def features(
    match: Match,
    clause: Clause,
    roles: Roles,
    seen: Signs,
    *,
    field: FieldName,
    modality: Modality,
    inside: bool,
    article: float,
    matches: Sequence[Match],
) -> Features:
    """The features of a trigger, one of the `matches` of its sentence."""
    counts = dict.fromkeys(FIELDS_OF_LIFE, 0)
    state = 0
    counted: set[str] = set()
    for at, hit in enumerate(clause.hits):
        key = clause.words.keys[at]
        if match.first <= at <= match.last or key in counted:
            continue
        counted.add(key)
        for name in FIELDS_OF_LIFE:
            counts[name] += name in hit.labels
        state += not hit.labels.isdisjoint(("state", "forces", "arms", "troops"))
    return Features(
        weight=match.entry.weight,
        actor=bool(roles.actors),
        recipient=bool(roles.recipients),
        named=any(one.ids for one in (*roles.actors, *roles.recipients)),
        anybody=any(not hit.labels.isdisjoint(ACTING) for hit in clause.hits) or bool(clause.parties),
        verb=match.entry.frame in VERBS,
        title=field == "title",
        embedded=inside,
        modality=modality,
        elsewhere=max(0, max(counts.values()) - (state > 1)),
        article_elsewhere=article,
        later=any(one.first < match.first and one.entry.frame in VERBS for one in clause.matches),
        subordinate=_subordinate(match, clause),
        length=match.end - match.first + 1,
        type=match.entry.type,
        listed=bool(match.entry.elements),
        sign=seen.type(match.entry.type, match.first, match.last),
        rival=seen.rival(match.entry.type, match.first, match.last),
        around=_around(match, seen, matches, words=len(clause.hits)),
        told=seen.told(match.entry.type),
        told_rival=seen.told_rival(match.entry.type),
        aside=seen.aside,
    )


def _around(match: Match, seen: Signs, matches: Sequence[Match], *, words: int) -> Around:
    others = [one for one in matches if one is not match]
    strength = [(one.entry.type == match.entry.type, seen.type(one.entry.type, one.first, one.last)) for one in others]
    return Around(
        others=len(others),
        same=max((sign for same, sign in strength if same), default=0.0),
        other=max((sign for same, sign in strength if not same), default=0.0),
        most=seen.most,
        all=seen.all,
        words=words,
    )


def _subordinate(match: Match, clause: Clause) -> bool:
    for at in range(match.first - 1, max(-1, match.first - 12), -1):
        labels = clause.hits[at].labels
        if "say" in labels or clause.words.breaks[at + 1] > 0:
            return False
        if "clause" in labels:
            return not (at and "say" in clause.hits[at - 1].labels)
    return False


@dataclass(frozen=True, slots=True)
class Scorer:
    """A logistic model of features by name, trained on the corpus (``make train-events``)."""

    weights: Mapping[str, float]
    threshold: float
    """Confidence below which an event is not said: chosen on held-out sentences for precision."""

    def confidence(self, seen: Features) -> float:
        """The probability that a reader would say this type of this trigger."""
        return round(self.probability(named(seen)), 3)

    def probability(self, features: Mapping[str, float]) -> float:
        """The same, from figures by name."""
        return _probability(sum(self.weights.get(name, 0.0) * value for name, value in features.items()))


def read(text: str) -> dict[str, Scorer]:
    """The scorers in a JSON file, by name: ``lexicon`` for lexicons alone, else by the engine that has a say too."""
    return {name: Scorer(one["weights"], one["threshold"]) for name, one in json.loads(text)["scorers"].items()}


def named(seen: Features) -> dict[str, float]:
    """The features as figures of like size, by name."""
    beyond = min(3.0, max(0.0, seen.article_elsewhere - 2.0))
    found = {
        "bias": 1.0,
        "rule": rule(seen) if seen.listed else 0.0,
        "unlisted": float(not seen.listed),
        "sign": _log_odds(seen.sign),
        "sign of an unlisted": 0.0 if seen.listed else _log_odds(seen.sign),
        "article elsewhere of an unlisted": 0.0 if seen.listed else beyond,
        "rival": seen.rival,
        "no sign": float(seen.sign < _FAINT),
        "actor": float(seen.actor),
        "recipient": float(seen.recipient),
        "nobody": float(not seen.anybody),
        "named": float(seen.named),
        "sign squared": _log_odds(seen.sign) ** 2 / 4,
        "sign squared of an unlisted": 0.0 if seen.listed else _log_odds(seen.sign) ** 2 / 4,
        "both": float(seen.listed and seen.sign > _LIKELY),
        "others": float(min(seen.around.others, 3)),
        "same": seen.around.same,
        "other": seen.around.other,
        "most": seen.around.most,
        "all": min(seen.around.all, 3.0),
        "words": math.log(seen.around.words + 1),
        "short": float(seen.around.words < _SHORT),
        "ahead": seen.sign - seen.rival,
        "title": float(seen.title),
        "embedded": float(seen.embedded),
        "elsewhere": float(min(seen.elsewhere, 3)),
        "article elsewhere": beyond,
        "later": float(seen.later),
        "subordinate": float(seen.subordinate),
        "long": float(seen.length > 1),
        f"type {seen.type.value}": 1.0,
        f"modality {seen.modality.value}": 1.0,
    }
    if seen.listed and not seen.verb:
        found["noun"] = 1.0
    if seen.told is None:
        found |= {"unread": 1.0, "told": _log_odds(0.0)}  # nobody says that it tells of anything
    else:
        odds = _log_odds(seen.told)
        found |= {
            "told": odds,
            "told squared": odds**2 / 4,
            "told of an unlisted": 0.0 if seen.listed else odds,
            "told and seen": float(seen.told > _LIKELY and seen.sign > _LIKELY),
            "told rival": seen.told_rival,
            "aside": seen.aside,
            "aside of an unlisted": 0.0 if seen.listed else seen.aside,
        }
    return found


def rule(seen: Features) -> float:
    """The log odds that its author's weight and a few rules of thumb give to an entry of a lexicon."""
    weight = min(max(seen.weight, 0.02), 0.98)
    total = math.log(weight / (1 - weight))
    total += 0.3 if seen.actor and seen.recipient else 0.0
    total += 0.2 if seen.named else -0.1
    total -= 0.8 if seen.verb and not seen.actor and not seen.recipient else 0.0
    total -= (0.0, 0.6, 2.2)[min(seen.elsewhere, 2)] + (1.5 if seen.elsewhere > 2 else 0.0)
    total -= min(3.0, max(0.0, seen.article_elsewhere - 2.0) * 0.7)
    total -= 1.5 if seen.embedded else 0.0
    total -= 0.4 if seen.later else 0.0
    total -= 0.3 if seen.subordinate else 0.0
    total -= {Modality.HYPOTHETICAL: 0.3, Modality.HISTORICAL: 0.2, Modality.NEGATED: 0.3}.get(seen.modality, 0.0)
    return total


_FAINT = 0.02
_LIKELY = 0.3
_SHORT = 9


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _FAINT), 1 - _FAINT)
    return math.log(bounded / (1 - bounded))
