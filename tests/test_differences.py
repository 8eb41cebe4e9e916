"""What counts as a difference between two records of one article, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream import differences
from stream.records import (
    EnrichedArticle,
    Entity,
    EntityType,
    EventType,
    Evidence,
    Language,
    Link,
    Mention,
    Modality,
    NewsEvent,
    Provenance,
    Trigger,
)

TEXT = "Rossi accuses Kiev. Carlo Rossi may visit the EU."
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def _entity(name: str, *places: tuple[int, int], kind: EntityType = EntityType.PER, link: Link | None = None) -> Entity:
    mentions = tuple(Mention(field="text", start=start, end=end, text=TEXT[start:end]) for start, end in places)
    return Entity(id=f"{kind}-{name}", type=kind, name=name, link=link, salience=0.5, mentions=mentions)


def _event(kind: EventType, start: int, end: int, **more: Any) -> NewsEvent:
    evidence = Evidence(field="text", start=0, end=len(TEXT), text=TEXT, trigger=Trigger(start=start, end=end))
    chosen: dict[str, Any] = {
        "id": f"{kind}-{more.get('actors')}-{more.get('modality')}",
        "quad_class": 1,
        "cameo_root": "11",
        "score": 0.0,
        "confidence": 0.8,
        "modality": Modality.ASSERTED,
        "evidence": (evidence,),
        "method": "lexicon",
    }
    return NewsEvent(type=kind, **(chosen | more))


ROSSI = _entity("Carlo Rossi", (0, 5), (20, 31))
KIEV = _entity("Kiev", (14, 18), kind=EntityType.LOC)
ACCUSE = _event(EventType.ACCUSE, 6, 13, actors=(ROSSI.id,), recipients=(KIEV.id,))


def _article(**changed: Any) -> EnrichedArticle:
    chosen: dict[str, Any] = {
        "article_id": "a",
        "text": TEXT,
        "processed_at": NOW,
        "language": Language(code="en", confidence=1),
        "entities": (ROSSI, KIEV),
        "primary_event_type": EventType.ACCUSE,
        "events": (ACCUSE,),
        "provenance": Provenance(service="0", event_ontology="plover-0.8", models=()),
        "timings": {},
    }
    return EnrichedArticle(**(chosen | changed))


BEFORE = _article()


def _entity_changes(now: EnrichedArticle) -> list[tuple[str, ...]]:
    return [entity.what for entity in differences.compare(BEFORE, now).entities]


def _event_changes(now: EnrichedArticle, *, tolerance: float = 0.05) -> list[tuple[str, ...]]:
    return [event.what for event in differences.compare(BEFORE, now, tolerance=tolerance).events]


def test_time_and_provenance_are_no_differences() -> None:
    """A record that is made again, by another release, says the same."""
    later = _article(
        processed_at=datetime(2027, 1, 1, tzinfo=UTC),
        provenance=Provenance(service="9", event_ontology="plover-0.8", models=()),
        timings={"text": 1.0},
    )

    assert not differences.compare(BEFORE, later)


def test_language_primary_event_and_text_are_named() -> None:
    """Each with what it was and what it is."""
    found = differences.compare(
        BEFORE, _article(language=Language(code="it", confidence=1), primary_event_type=EventType.NONE, text=TEXT + " ")
    )

    assert found.language == differences.Change(before="en", now="it")
    assert found.primary_event_type == differences.Change(before="ACCUSE", now="NONE")
    assert found.text
    assert not found.entities
    assert not found.events


def test_a_name_that_was_put_right_is_renamed_and_not_one_gone_and_one_new() -> None:
    """Its id changes with its name, and the events that it acts in have not changed."""
    right = _entity("Rossi", (0, 5), (20, 31))
    accuse = _event(EventType.ACCUSE, 6, 13, actors=(right.id,), recipients=(KIEV.id,))

    found = differences.compare(BEFORE, _article(entities=(right, KIEV), events=(accuse,)))

    (renamed,) = found.entities
    assert renamed.what == ("renamed",)
    assert renamed.before is not None
    assert renamed.now is not None
    assert (renamed.before.name, renamed.now.name) == ("Carlo Rossi", "Rossi")
    assert found.events == ()


@pytest.mark.parametrize(
    ("entities", "changes"),
    [
        ((ROSSI,), [("removed",)]),
        ((ROSSI, KIEV, _entity("EU", (46, 48), kind=EntityType.ORG)), [("added",)]),
        ((ROSSI, _entity("Kiev", (14, 18), kind=EntityType.ORG)), [("retyped",)]),
        ((ROSSI, KIEV.model_copy(update={"link": Link(scheme="geonames", id="703448")})), [("relinked",)]),
        ((ROSSI, _entity("Kyiv", (14, 18), kind=EntityType.ORG)), [("renamed", "retyped")]),
        ((_entity("Rossi", (0, 5)), _entity("Carlo Rossi", (20, 31)), KIEV), [("added",)]),
        ((KIEV, ROSSI), []),
        ((ROSSI.model_copy(update={"salience": 0.1}), KIEV), []),
    ],
)
def test_entities_are_paired_by_their_mentions(entities: tuple[Entity, ...], changes: list[tuple[str, ...]]) -> None:
    """Added, removed, renamed, retyped, relinked; order and salience do not count."""
    assert _entity_changes(_article(entities=entities)) == changes


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        (ACCUSE.model_copy(update={"modality": Modality.NEGATED, "id": "other"}), [("modality",)]),
        (ACCUSE.model_copy(update={"actors": (), "id": "other"}), [("actors",)]),
        (ACCUSE.model_copy(update={"recipients": (), "locations": (KIEV.id,)}), [("recipients", "locations")]),
        (_event(EventType.THREATEN, 6, 13, actors=(ROSSI.id,), recipients=(KIEV.id,)), [("type",)]),
        (ACCUSE.model_copy(update={"confidence": 0.7}), [("confidence",)]),
        (ACCUSE.model_copy(update={"confidence": 0.85}), []),
        (_event(EventType.CONSULT, 36, 41), [("removed",), ("added",)]),
    ],
)
def test_events_are_paired_by_what_tells_of_them(event: NewsEvent, changes: list[tuple[str, ...]]) -> None:
    """Type, modality, roles, and confidence beyond the tolerance; another trigger is another event."""
    assert _event_changes(_article(events=(event,))) == changes


def test_the_tolerance_is_chosen() -> None:
    """And rounding does not pass it."""
    surer = _article(events=(ACCUSE.model_copy(update={"confidence": 0.81}),))

    assert _event_changes(surer, tolerance=0.0) == [("confidence",)]
    assert _event_changes(surer, tolerance=0.01) == []


def test_an_event_names_its_actors_and_its_sentence() -> None:
    """A difference can be read without the record."""
    (gone,) = differences.compare(BEFORE, _article(events=())).events

    assert gone.now is None
    assert gone.before is not None
    assert (gone.before.actors, gone.before.recipients) == (("Carlo Rossi",), ("Kiev",))
    assert gone.before.evidence is not None
    assert gone.before.evidence.text == TEXT


def test_in_another_text_names_and_sentences_are_compared() -> None:
    """Offsets say nothing there: the same name, elsewhere, is the same entity."""
    moved = KIEV.model_copy(update={"mentions": (Mention(field="text", start=0, end=4, text="Kiev"),)})

    found = differences.compare(BEFORE, _article(text="Kiev. " + TEXT, entities=(ROSSI, moved)))

    assert found.text
    assert found.entities == ()


@pytest.mark.parametrize(
    ("actors", "recipients", "told"),
    [
        (["Moscow"], ["Kyiv", "Lviv"], "Moscow → Kyiv, Lviv"),
        (["Moscow"], [], "Moscow"),
        ([], ["Kyiv"], "→ Kyiv"),
        ([], [], ""),
    ],
)
def test_whoever_only_suffers_is_not_shown_as_if_he_had_acted(actors: list[str], recipients: list[str], told: str) -> None:
    """The arrow stands before those to whom it was done, whoever did it."""
    assert differences.parties(actors, recipients) == told
