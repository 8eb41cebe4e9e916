"""How sure we are of a trigger: features of its place, weighed; a learned scorer would take this function's place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stream.events.matching import Match
from stream.events.modality import VERBS
from stream.events.people import ACTING
from stream.events.roles import Clause, Roles
from stream.records import FieldName, Modality

THRESHOLD = 0.5
"""Events below this confidence are not said."""
FIELDS_OF_LIFE = ("damp.sport", "damp.weather", "damp.market", "damp.culture")


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


def features(
    match: Match, clause: Clause, roles: Roles, *, field: FieldName, modality: Modality, inside: bool, article: float
) -> Features:
    """The features of a trigger."""
    counts = dict.fromkeys(FIELDS_OF_LIFE, 0)
    state = 0
    seen: set[str] = set()
    for at, hit in enumerate(clause.hits):
        key = clause.words.keys[at]
        if match.first <= at <= match.last or key in seen:
            continue
        seen.add(key)
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
    )


def _subordinate(match: Match, clause: Clause) -> bool:
    for at in range(match.first - 1, max(-1, match.first - 12), -1):
        labels = clause.hits[at].labels
        if "say" in labels or clause.words.breaks[at + 1] > 0:
            return False
        if "clause" in labels:
            return not (at and "say" in clause.hits[at - 1].labels)
    return False


def confidence(seen: Features) -> float:
    """The probability that a reader would say this type of this trigger."""
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
    return round(1 / (1 + math.exp(-total)), 3)
