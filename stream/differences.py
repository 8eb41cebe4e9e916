"""What has changed between two records of one article: a pure function, for whoever judges a new model.

What belongs together is found by what it rests on (the mentions of an entity, the trigger of an event), so that a name that
was put right counts as renamed and not as one gone and one new. Roles are compared through that pairing: whoever is renamed
is still the same actor. Times, timings and provenance are no differences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from stream.records import EnrichedArticle, Entity, EntityType, EventType, Evidence, Link, Mention, Modality, NewsEvent

TOLERANCE = 0.05
"""Confidences that differ by no more than this are the same."""

EntityChange = Literal["added", "removed", "renamed", "retyped", "relinked"]
EventChange = Literal["added", "removed", "type", "modality", "actors", "recipients", "locations", "confidence"]

_ROUNDING = 1e-9
_T = TypeVar("_T", Entity, NewsEvent)
_Affinity = tuple[float, ...]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Shown):
    """A value, before and now."""

    before: str
    now: str


class EntitySeen(_Shown):
    """An entity, as far as it is compared, with the first place that names it."""

    name: str
    type: EntityType
    link: Link | None
    mention: Mention | None


class EventSeen(_Shown):
    """An event, as far as it is compared: who by name, with the first sentence that tells of it."""

    type: EventType
    modality: Modality
    actors: tuple[str, ...]
    recipients: tuple[str, ...]
    locations: tuple[str, ...]
    confidence: float
    evidence: Evidence | None


class EntityDifference(_Shown):
    """What became of one entity; it has no `before` when it is new, no `now` when it is gone."""

    what: tuple[EntityChange, ...]
    before: EntitySeen | None
    now: EntitySeen | None


class EventDifference(_Shown):
    """What became of one event; it has no `before` when it is new, no `now` when it is gone."""

    what: tuple[EventChange, ...]
    before: EventSeen | None
    now: EventSeen | None


class Differences(_Shown):
    """Everything that has changed between two records of one article; nothing of it set means that nothing has."""

    text: bool = False
    """Title or text are not the same: another version of the article, or it is cleaned differently now."""
    language: Change | None = None
    primary_event_type: Change | None = None
    entities: tuple[EntityDifference, ...] = ()
    events: tuple[EventDifference, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything has changed."""
        return self != Differences()


def compare(before: EnrichedArticle, now: EnrichedArticle, *, tolerance: float = TOLERANCE) -> Differences:
    """What has changed from one record of an article to the other.

    Swapping the two swaps ``added`` with ``removed`` and changes no other count.
    """
    same_text = (before.title, before.text) == (now.title, now.text)
    entities = _pairs(before.entities, now.entities, affinity=_EntityAffinity(same_text=same_text))
    who_before = {old.id: number for number, (old, _) in enumerate(entities) if old is not None}
    who_now = {new.id: number for number, (_, new) in enumerate(entities) if new is not None}
    happened = _pairs(before.events, now.events, affinity=_EventAffinity(same_text=same_text))
    names_before = {entity.id: entity.name for entity in before.entities}
    names_now = {entity.id: entity.name for entity in now.entities}
    return Differences(
        text=not same_text,
        language=_change(before.language.code, now.language.code),
        primary_event_type=_change(before.primary_event_type.value, now.primary_event_type.value),
        entities=tuple(
            EntityDifference(what=what, before=_entity_seen(old), now=_entity_seen(new))
            for old, new in entities
            if (what := _entity_changes(old, new))
        ),
        events=tuple(
            EventDifference(what=changes, before=_event_seen(old, names_before), now=_event_seen(new, names_now))
            for old, new in happened
            if (changes := _event_changes(old, new, who_before=who_before, who_now=who_now, tolerance=tolerance))
        ),
    )


def _change(before: str, now: str) -> Change | None:
    return None if before == now else Change(before=before, now=now)


# --- what belongs together ------------------------------------------------------------------------


def _pairs(
    before: Sequence[_T], now: Sequence[_T], *, affinity: Callable[[_T, _T], _Affinity | None]
) -> list[tuple[_T | None, _T | None]]:
    """Each of `before` with its counterpart in `now`, the closest first; then who has none. Either order gives the same pairs."""
    left = {number: one.model_dump_json() for number, one in enumerate(before)}
    right = {number: one.model_dump_json() for number, one in enumerate(now)}
    places: list[tuple[int, int]] = []
    alike = defaultdict(list)
    for number, content in right.items():
        alike[content].append(number)
    for number, content in left.items():
        if alike[content]:
            places.append((number, alike[content].pop(0)))
    for old, new in places:
        del left[old], right[new]
    close = [
        (tuple(-value for value in found), old, new)
        for old in left
        for new in right
        if (found := affinity(before[old], now[new])) is not None
    ]
    for _, old, new in sorted(close):  # what is equally close goes by its place, from whichever side one looks
        if old in left and new in right:
            places.append((old, new))
            del left[old], right[new]
    pairs: list[tuple[_T | None, _T | None]] = [(before[old], now[new]) for old, new in places]
    pairs += [(before[old], None) for old in left]
    pairs += [(None, now[new]) for new in right]
    return pairs


class _EntityAffinity:
    """How close two entities are: None where nothing speaks for it, more where they share more mentions, then their name."""

    def __init__(self, *, same_text: bool) -> None:
        self._same_text = same_text

    def __call__(self, one: Entity, other: Entity) -> _Affinity | None:
        if self._same_text:
            shared = sum(any(_overlap(a, b) for b in other.mentions) for a in one.mentions)
            shared += sum(any(_overlap(a, b) for b in one.mentions) for a in other.mentions)
        else:
            shared = len(
                {mention.text.casefold() for mention in one.mentions} & {mention.text.casefold() for mention in other.mentions}
            )
        found = (float(one.id == other.id), float(shared), float(one.name.casefold() == other.name.casefold()))
        return found if any(found) else None


class _EventAffinity:
    """How close two events are: what tells of them comes first, for ids of events hold their actors."""

    def __init__(self, *, same_text: bool) -> None:
        self._same_text = same_text

    def __call__(self, one: NewsEvent, other: NewsEvent) -> _Affinity | None:
        shared = float(sum(self._told_alike(a, b) for a in one.evidence for b in other.evidence))
        same_id = float(one.id == other.id)
        if not shared and not same_id:
            return None
        return shared, same_id, float(one.type is other.type), float(one.modality is other.modality)

    def _told_alike(self, one: Evidence, other: Evidence) -> bool:
        if self._same_text:
            return one.field == other.field and one.trigger.start < other.trigger.end and other.trigger.start < one.trigger.end
        return one.text == other.text and one.trigger.start - one.start == other.trigger.start - other.start


def _overlap(one: Mention, other: Mention) -> bool:
    return one.field == other.field and one.start < other.end and other.start < one.end


# --- what has changed of it -----------------------------------------------------------------------


def _entity_changes(before: Entity | None, now: Entity | None) -> tuple[EntityChange, ...]:
    if before is None:
        return ("added",)
    if now is None:
        return ("removed",)
    changes: list[tuple[EntityChange, bool]] = [
        ("renamed", before.name != now.name),
        ("retyped", before.type is not now.type),
        ("relinked", before.link != now.link),
    ]
    return tuple(name for name, changed in changes if changed)


def _event_changes(
    before: NewsEvent | None, now: NewsEvent | None, *, who_before: dict[str, int], who_now: dict[str, int], tolerance: float
) -> tuple[EventChange, ...]:
    if before is None:
        return ("added",)
    if now is None:
        return ("removed",)

    def others(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
        return {who_before.get(who, who) for who in old} != {who_now.get(who, who) for who in new}

    changes: list[tuple[EventChange, bool]] = [
        ("type", before.type is not now.type),
        ("modality", before.modality is not now.modality),
        ("actors", others(before.actors, now.actors)),
        ("recipients", others(before.recipients, now.recipients)),
        ("locations", others(before.locations, now.locations)),
        ("confidence", abs(before.confidence - now.confidence) > tolerance + _ROUNDING),
    ]
    return tuple(name for name, changed in changes if changed)


def _entity_seen(entity: Entity | None) -> EntitySeen | None:
    if entity is None:
        return None
    mention = entity.mentions[0] if entity.mentions else None
    return EntitySeen(name=entity.name, type=entity.type, link=entity.link, mention=mention)


def _event_seen(event: NewsEvent | None, names: dict[str, str]) -> EventSeen | None:
    if event is None:
        return None
    return EventSeen(
        type=event.type,
        modality=event.modality,
        actors=tuple(names.get(who, who) for who in event.actors),
        recipients=tuple(names.get(who, who) for who in event.recipients),
        locations=tuple(names.get(who, who) for who in event.locations),
        confidence=event.confidence,
        evidence=event.evidence[0] if event.evidence else None,
    )


def parties(actors: Sequence[str], recipients: Sequence[str]) -> str:
    """Who did it to whom, for people to read.

    >>> parties(["Moscow"], ["Kyiv", "Lviv"]), parties(["Moscow"], []), parties([], ["Kyiv"])
    ('Moscow → Kyiv, Lviv', 'Moscow', '→ Kyiv')
    """
    return f"{', '.join(actors)} {'→ ' if recipients else ''}{', '.join(recipients)}".strip()
