"""How sure we are of a trigger: features of its place, weighed by what was learned from the corpus."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.events.matching import Match
from stream.events.modality import VERBS
from stream.events.roles import Clause, Roles
from stream.events.signs import Signs
from stream.records import EventType, FieldName, Modality


class Around(NamedTuple):
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


class Features(NamedTuple):
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
    """Probability that it is about sport, weather, markets or culture; in an article that mostly is, at least as high."""


class Article(NamedTuple):
    """What an article is about as a whole."""

    elsewhere: float = 0.0
    """Words of sport, weather, markets or culture in a hundred: the largest of the four; 0 where an encoder has read."""
    aside: float = 0.0
    """The mean probability that one of its sentences is about one of them."""


class Context:
    """What all triggers of a sentence have in common, read once."""

    def __init__(
        self,
        clause: Clause,
        seen: Signs,
        matches: Sequence[Match],
        *,
        field: FieldName,
        article: Article,
    ) -> None:
        """For the triggers `matches`."""
        self.clause, self.seen, self.matches = clause, seen, matches
        self.title = field == "title"
        self.article = article
        self.anybody = bool(clause.parties) or any(hit.acting for hit in clause.hits)
        self.first_verb = min((one.first for one in clause.matches if one.entry.frame in VERBS), default=len(clause.hits))
        self.signs = [seen.type(one.entry.type, one.first, one.last) for one in matches]
        self.telling = [at for at, hit in enumerate(clause.hits) if hit.fields or hit.hard]

    def elsewhere(self, match: Match) -> int:
        """Distinct words beside the trigger of sport, weather, markets or culture: the largest of the four."""
        if not self.telling:
            return 0
        counts: dict[str, int] = {}
        hard = 0
        counted: set[str] = set()
        for at in self.telling:
            key = self.clause.words.keys[at]
            if match.first <= at <= match.last or key in counted:
                continue
            counted.add(key)
            hit = self.clause.hits[at]
            for name in hit.fields:
                counts[name] = counts.get(name, 0) + 1
            hard += hit.hard
        return max(0, max(counts.values(), default=0) - (hard > 1))

    def around(self, number: int) -> Around:
        """What the sentence has beside one of the triggers."""
        kind = self.matches[number].entry.type
        same = other = 0.0
        for at, one in enumerate(self.matches):
            if at == number:
                continue
            if one.entry.type == kind:
                same = max(same, self.signs[at])
            else:
                other = max(other, self.signs[at])
        return Around(
            others=len(self.matches) - 1,
            same=same,
            other=other,
            most=self.seen.most,
            all=self.seen.all,
            words=len(self.clause.hits),
        )


def features(number: int, context: Context, roles: Roles, *, modality: Modality, inside: bool) -> Features:
    """The features of one trigger of a sentence."""
    match, seen = context.matches[number], context.seen
    entry = match.entry
    return Features(
        weight=entry.weight,
        actor=bool(roles.actors),
        recipient=bool(roles.recipients),
        named=any(one.ids for one in roles.actors) or any(one.ids for one in roles.recipients),
        anybody=context.anybody,
        verb=entry.frame in VERBS,
        title=context.title,
        embedded=inside,
        modality=modality,
        elsewhere=context.elsewhere(match),
        article_elsewhere=context.article.elsewhere,
        later=context.first_verb < match.first,
        subordinate=_subordinate(match, context.clause),
        length=match.end - match.first + 1,
        type=entry.type,
        listed=bool(entry.elements),
        sign=context.signs[number],
        rival=seen.rival(entry.type, match.first, match.last),
        around=context.around(number),
        told=seen.told(entry.type),
        told_rival=seen.told_rival(entry.type),
        aside=max(seen.aside, 2 * context.article.aside - 1),
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
        total, weights = 0.0, self.weights
        for name, value in features.items():
            if value:
                total += weights.get(name, 0.0) * value
        return _probability(total)


def read(text: str) -> dict[str, Scorer]:
    """The scorers in a JSON file, by name: ``lexicon`` for lexicons alone, else by the engine that has a say too."""
    return {name: Scorer(**one) for name, one in json.loads(text)["scorers"].items()}


def named(seen: Features) -> dict[str, float]:
    """The features as figures of like size, by name."""
    sign, listed = log_odds(seen.sign), seen.listed
    found = {
        "bias": 1.0,
        "rule": rule(seen) if listed else 0.0,
        "unlisted": float(not listed),
        "sign": sign,
        "sign of an unlisted": 0.0 if listed else sign,
        "rival": seen.rival,
        "no sign": float(seen.sign < _FAINT),
        "actor": float(seen.actor),
        "recipient": float(seen.recipient),
        "nobody": float(not seen.anybody),
        "named": float(seen.named),
        "sign squared": sign**2 / 4,
        "sign squared of an unlisted": 0.0 if listed else sign**2 / 4,
        "both": float(listed and seen.sign > _LIKELY),
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
        "later": float(seen.later),
        "subordinate": float(seen.subordinate),
        "long": float(seen.length > 1),
        _TYPES[seen.type]: 1.0,
        _MODALITIES[seen.modality]: 1.0,
    }
    if listed and not seen.verb:
        found["noun"] = 1.0
    if seen.told is None:
        found |= {"unread": 1.0, "told": log_odds(0.0)}  # nobody says that it tells of anything
    else:
        odds = log_odds(seen.told)
        found |= {
            "told": odds,
            "told squared": odds**2 / 4,
            "told of an unlisted": 0.0 if listed else odds,
            "told and seen": float(seen.told > _LIKELY and seen.sign > _LIKELY),
            "told rival": seen.told_rival,
            "aside": seen.aside,
            "aside odds": log_odds(seen.aside),
            "aside told": seen.aside * odds,
            "aside of an unlisted": 0.0 if listed else seen.aside,
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
    total -= _LESS_REAL.get(seen.modality, 0.0)
    return total


_TYPES = {kind: f"type {kind.value}" for kind in EventType}
_MODALITIES = {modality: f"modality {modality.value}" for modality in Modality}
_LESS_REAL = {Modality.HYPOTHETICAL: 0.3, Modality.HISTORICAL: 0.2, Modality.NEGATED: 0.3}
_FAINT = 0.02
_LIKELY = 0.3
_SHORT = 9


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def log_odds(probability: float) -> float:
    """The logarithm of the odds, bounded: the encoder is never so sure that nothing else counts."""
    bounded = min(max(probability, _FAINT), 1 - _FAINT)
    return math.log(bounded / (1 - bounded))
