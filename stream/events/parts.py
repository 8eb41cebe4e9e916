"""Who acts in an event, and to whom it is done: what rules and encoder say of each name, weighed by what was learned."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stream.events.candidates import Candidate
from stream.events.matching import Match
from stream.events.people import Party
from stream.events.roles import PREPOSITIONS, Roles
from stream.events.scoring import Scorer, log_odds


@dataclass(frozen=True, slots=True)
class Weigher:
    """What tells actors from recipients, and both from bystanders."""

    actor: Scorer
    recipient: Scorer

    def assign(self, one: Candidate) -> Roles:
        """The roles of a trigger, of parties with a name; places are the rules'."""
        actors, recipients = [], []
        for party, seen in named(one):
            acts, suffers = self.actor.probability(seen), self.recipient.probability(seen)
            if acts >= self.actor.threshold and acts >= suffers:
                actors.append(party)
            elif suffers >= self.recipient.threshold:
                recipients.append(party)
        return one.roles._replace(actors=tuple(actors), recipients=tuple(recipients))


def read(text: str) -> dict[str, Weigher]:
    """The weighers in a JSON file, by the engine that has a say."""
    found = json.loads(text)["parts"]
    return {engine: Weigher(**{role: Scorer(**one) for role, one in roles.items()}) for engine, roles in found.items()}


def named(one: Candidate) -> Iterator[tuple[Party, dict[str, float]]]:
    """Every party with a name that may take part, with its features as figures of like size, by name."""
    parties = [party for party in one.context.clause.parties if party.ids and not party.media]
    for number, party in enumerate(parties):
        if party.last < one.match.first or one.match.last < party.first:
            yield party, _features(number, parties, one)


def _features(number: int, parties: list[Party], one: Candidate) -> dict[str, float]:
    party, match, clause, ruled = parties[number], one.match, one.context.clause, one.roles
    before = party.last < match.first
    side = "before" if before else "after"
    first, last = (party.last + 1, match.first) if before else (match.last + 1, party.first)
    breaks = clause.words.breaks[first : last + 1]
    acts, suffers = map(log_odds, one.context.seen.part(party.first, party.last))
    actor, recipient = party in ruled.actors, party in ruled.recipients
    frame = match.entry.frame if match.entry.elements else "unlisted"
    marker = next((name for name in PREPOSITIONS if name in party.marker), "plain")
    kind = match.entry.type.value
    single = len(one.context.matches) == 1
    nearer = _nearest(party, one.context.matches) < last - first
    found = {
        "bias": 1.0,
        "acts": acts,
        "suffers": suffers,
        "rule actor": float(actor),
        "rule recipient": float(recipient),
        "rule actor acts": acts if actor else 0.0,
        "rule recipient suffers": suffers if recipient else 0.0,
        "rule place": float(party in ruled.places),
        "somebody else acts": float(not actor and any(other.ids for other in ruled.actors)),
        "something without a name acts": float(any(not other.ids for other in ruled.actors)),
        "far": math.log(1 + last - first),
        "comma": float(1 in breaks),
        "clause": float(any("clause" in hit.labels for hit in clause.hits[first:last])),
        "stop": float(2 in breaks),
        "another trigger between": float(any(first <= other.first < last for other in one.context.matches)),
        "another trigger nearer": float(nearer),
        "another trigger nearer acts": acts if nearer else 0.0,
        "another trigger nearer suffers": suffers if nearer else 0.0,
        "names between": float(min(3, sum(first <= other.first < last for other in parties))),
        "alone": float(len(parties) == 1),
        "one trigger": float(single),
        "one trigger acts": acts if single else 0.0,
        "one trigger suffers": suffers if single else 0.0,
        "place": float(party.place),
        f"{frame} {side}": 1.0,
        f"{marker} {side}": 1.0,
        f"{frame} {marker} {side}": 1.0,
        kind: 1.0,
        f"{kind} {side}": 1.0,
    }
    if ruled.passive:
        found[f"passive {side}"] = 1.0
    if number == 0:
        found["first"] = 1.0
    return found


def _nearest(party: Party, matches: Sequence[Match]) -> int:
    """Words between a party and the trigger that is nearest to it."""
    return min(party.first - one.last - 1 if one.last < party.first else one.first - party.last - 1 for one in matches)
