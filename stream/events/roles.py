"""Who did it, to whom, and where: by the positions of noun phrases around a trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.events.lexicon import Hit, Lexicon
from stream.events.matching import Match
from stream.events.people import Party
from stream.events.tokens import Words
from stream.records import EventType

FAR = 30
"""Words to the left in which a subject is looked for."""
NEAR = 14
"""Words to the right in which an object is looked for."""
GIVEN_TO = {
    EventType.AID,
    EventType.AGREE,
    EventType.REQUEST,
    EventType.THREATEN,
    EventType.SANCTION,
    EventType.SUPPORT,
    EventType.CONCEDE,
}
"""Types whose recipient may be a place after a preposition that elsewhere says where."""
PREPOSITIONS = ("in", "to", "of", "by")


class Roles(NamedTuple):
    """The parties of one trigger."""

    actors: tuple[Party, ...] = ()
    recipients: tuple[Party, ...] = ()
    places: tuple[Party, ...] = ()
    passive: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence with everything that was found in it."""

    words: Words
    hits: list[Hit]
    parties: list[Party]
    matches: list[Match]
    reported: frozenset[int]
    """First words of the parties that only report (``according to …``)."""


def assign(match: Match, clause: Clause, lexicon: Lexicon) -> Roles:
    """The roles around a trigger, by its frame."""
    left = _left(match, clause)
    right = _right(match, clause)
    after = _by_marker(right, match)
    frame = match.entry.frame
    places = after["in"]
    if frame == "mutual":
        sides = _unique((*left, *after["to"], *after["plain"], *after["of"], *after["by"]))
        return Roles(actors=sides, places=places)
    if frame == "alone":
        return Roles(actors=left or after["plain"][:1], places=places)
    if frame in {"noun", "noun-obj"}:
        return _noun(match, left, after)
    passive = frame == "passive" or _passive(match, clause, lexicon, after["by"])
    if passive:
        return Roles(actors=after["by"], recipients=left or after["plain"], places=places, passive=True)
    recipients = after["plain"] or after["to"] or after["of"]
    if match.entry.type in {EventType.AID, EventType.AGREE, EventType.CONCEDE} and after["to"]:
        recipients = after["to"]  # "sent Polish tanks to Ukraine": who receives stands after the preposition
    return Roles(actors=left, recipients=recipients, places=places)


def _noun(match: Match, left: tuple[Party, ...], after: dict[str, tuple[Party, ...]]) -> Roles:
    owned = after["of"] or after["plain"][:1]
    agent = after["by"] or (after["plain"][1:2] if not after["of"] else ())
    if match.entry.frame == "noun":
        return Roles(actors=agent or left or owned, recipients=after["to"] or (owned if left else ()), places=after["in"])
    return Roles(actors=agent or left, recipients=owned or after["to"], places=after["in"])


def _by_marker(parties: Sequence[Party], match: Match) -> dict[str, tuple[Party, ...]]:
    """Parties by the class of the preposition before them (``plain``: none)."""
    after: dict[str, tuple[Party, ...]] = dict.fromkeys(("by", "to", "of", "in", "plain", ""), ())
    for party in parties:
        after[_preposition(party, match)] += (party,)
    return after


def _preposition(party: Party, match: Match) -> str:
    """What a party's preposition says in this place; nothing where it only says where, and no place follows."""
    marker = party.marker
    if "in" in marker and party.place and not ("to" in marker and match.entry.type in GIVEN_TO):
        return "in"
    for name in ("by", "to", "of"):
        if name in marker:
            return name
    return "" if "in" in marker else "plain"


def _passive(match: Match, clause: Clause, lexicon: Lexicon, agents: tuple[Party, ...]) -> bool:
    raw = clause.words.raw[match.first]
    if lexicon.suffixes.get("passive") and raw.endswith(lexicon.suffixes["passive"]):
        return True
    if not raw.endswith(lexicon.suffixes.get("participle", ())):
        return False
    for back in range(match.first - 1, max(-1, match.first - 4), -1):
        if clause.words.breaks[back + 1] > 1:
            break
        if "be" in clause.hits[back].labels:
            return True
        if "clause" in clause.hits[back].labels:
            break
    if "verb-last" in lexicon.flags:
        for ahead in range(match.last + 1, min(len(clause.hits), match.last + 3)):
            if "be" in clause.hits[ahead].labels and not clause.words.breaks[ahead]:
                return True
    return bool(agents) and agents[0].first - match.last <= 5


def _left(match: Match, clause: Clause) -> tuple[Party, ...]:
    """The subject: the nearest phrase to the left that no preposition governs; with what is coordinated to it."""
    before = [one for one in clause.parties if match.first - FAR <= one.first and one.last < match.first]
    if not before:
        return ()
    breaks = clause.words.breaks
    objects = {other.end for other in clause.matches if other.entry.frame == "active" and other.end < match.first}
    weak: int | None = None
    chosen: int | None = None
    for index in range(len(before) - 1, -1, -1):
        party = before[index]
        if max(breaks[party.last + 1 : match.first + 1]) > 1:
            break
        if party.media or party.first in clause.reported:
            continue
        governed = not party.marker.isdisjoint(PREPOSITIONS)
        object_of = any(party.first - 3 <= end < party.first for end in objects)
        if not governed and not object_of:
            chosen = index
            break
        if weak is None and (not governed or "of" in party.marker):
            weak = index
    if chosen is None:
        chosen = weak
    if chosen is None:
        return ()
    group = [before[chosen]]
    while chosen > 0 and _coordinated(before[chosen - 1], before[chosen], clause):
        chosen -= 1
        if not before[chosen].media:
            group.insert(0, before[chosen])
    return tuple(group)


def _right(match: Match, clause: Clause) -> tuple[Party, ...]:
    """The phrases after a trigger up to the end of its clause."""
    found: list[Party] = []
    starts = {
        other.first for other in clause.matches if other.first > match.end and other.entry.frame in {"active", "alone", "passive"}
    }
    end = min(len(clause.hits), match.end + 1 + NEAR)
    stop = end
    for at in range(match.last + 1, end):
        labels = clause.hits[at].labels
        if clause.words.breaks[at] > 1 or at in starts or ("say" in labels and at > match.last + 1):
            stop = at
            break
        if "clause" in labels and at > match.last + 2:
            stop = at
            break
    for party in clause.parties:
        if match.last < party.first < stop and not party.media and party.first not in clause.reported:
            if "and" in party.marker and found and _coordinated(found[-1], party, clause):
                found.append(party._replace(marker=found[-1].marker))
            else:
                found.append(party)
    return tuple(found)


def _coordinated(one: Party, two: Party, clause: Clause) -> bool:
    """Whether two neighbours are joined by "and" or a comma with nothing else between."""
    between = clause.hits[one.last + 1 : two.first]
    if any("and" in hit.labels for hit in between):
        return len(between) <= 3 and all(not hit.labels.isdisjoint(("and", "skip", "of", "to", "by", "in")) for hit in between)
    return (
        len(between) <= 1
        and clause.words.breaks[one.last + 1] == 1
        and all("skip" in hit.labels for hit in between)
        and "," in two.marker
    )


def _unique(parties: tuple[Party, ...]) -> tuple[Party, ...]:
    return tuple(dict.fromkeys(parties))
