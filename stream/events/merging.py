"""From triggers to events: the same event told twice is one event with several pieces of evidence."""

from __future__ import annotations

from dataclasses import dataclass

from stream.events.taxonomy import Taxonomy
from stream.records import EventType, Evidence, Modality, NewsEvent, derived_id

MOST = 64
"""Events of one article; beyond them only further evidence is taken."""


@dataclass(frozen=True, slots=True)
class Found:
    """One trigger with its type, its parties and how sure we are."""

    type: EventType
    mode: str | None
    modality: Modality
    confidence: float
    actors: tuple[str, ...]
    recipients: tuple[str, ...]
    locations: tuple[str, ...]
    evidence: Evidence
    word: str
    """The pattern that matched."""


def merge(found: list[Found], *, article_id: str, taxonomy: Taxonomy, method: str) -> tuple[NewsEvent, ...]:
    """The events of an article, in the order in which they are first told."""
    groups: list[list[Found]] = []
    by_kind: dict[tuple[EventType, Modality], list[list[Found]]] = {}
    for one in found:
        kind = by_kind.setdefault((one.type, one.modality), [])
        group = next((group for group in kind if _same(group, one)), None)
        if group is not None:
            group.append(one)
        elif len(groups) < MOST:
            groups.append([one])
            kind.append(groups[-1])
    seen: dict[str, int] = {}
    return tuple(_event(group, article_id, taxonomy, method, seen) for group in groups)


def _same(group: list[Found], one: Found) -> bool:
    """Whether a trigger tells an event again: nothing contradicts, and something agrees."""
    actors = {who for other in group for who in other.actors}
    recipients = {who for other in group for who in other.recipients}
    mine, theirs = set(one.actors), set(one.recipients)
    if (actors and mine and not actors & mine) or (recipients and theirs and not recipients & theirs):
        return False
    if actors & mine or recipients & theirs:
        return True
    return any(other.word == one.word or other.evidence.start == one.evidence.start for other in group)


def _event(group: list[Found], article_id: str, taxonomy: Taxonomy, method: str, seen: dict[str, int]) -> NewsEvent:
    best = max(group, key=lambda one: one.confidence)
    info = taxonomy.types[best.type]
    actors = _unique([who for one in group for who in one.actors])
    recipients = tuple(who for who in _unique([who for one in group for who in one.recipients]) if who not in actors)
    evidence: dict[tuple[str, int], Found] = {}
    for one in group:
        place = (one.evidence.field, one.evidence.start)
        if place not in evidence or evidence[place].confidence < one.confidence:
            evidence[place] = one
    parts = (article_id, best.type, best.modality, ",".join(sorted(actors)), ",".join(sorted(recipients)))
    count = seen.get("\x1f".join(parts), 0)
    seen["\x1f".join(parts)] = count + 1
    # Each further telling is some evidence, but a weak trigger stays weak however often it is said.
    confidence = min(0.99, best.confidence + 0.02 * min(3, len(evidence) - 1))
    return NewsEvent(
        id=derived_id("event", *parts, str(count)),
        type=best.type,
        mode=best.mode if best.mode in info.modes else None,
        quad_class=info.quad,
        cameo_root=info.root,
        score=info.score,
        confidence=round(confidence, 3),
        modality=best.modality,
        actors=actors,
        recipients=recipients,
        locations=_unique([where for one in group for where in one.locations]),
        evidence=tuple(one.evidence for one in evidence.values()),
        method=method,
    )


def _unique(ids: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
