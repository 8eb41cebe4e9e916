"""Properties of a comparison: nothing differs from itself, and who compares the other way round counts the same."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stream import differences
from stream.differences import Differences
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

TEXTS = ("Rossi met Rossi in Roma on Monday.", "Roma: Rossi met nobody.")
SWAPPED = {"added": "removed", "removed": "added"}

fields = st.sampled_from(["title", "text"])
spans = st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))
ids = st.sampled_from([f"e{number}" for number in range(6)])
mentions = st.builds(
    lambda field, span, name: Mention(field=field, start=span[0], end=span[1], text=name),
    fields,
    spans,
    st.sampled_from(["Rossi", "Roma"]),
)
entities = st.builds(
    Entity,
    id=ids,
    type=st.sampled_from(EntityType),
    name=st.sampled_from(["Rossi", "rossi", "Roma"]),
    link=st.none() | st.builds(Link, scheme=st.just("wikidata"), id=st.sampled_from(["Q1", "Q2"])),
    salience=st.just(0.5),
    mentions=st.lists(mentions, max_size=3).map(tuple),
)
evidences = st.builds(
    lambda field, span: Evidence(field=field, start=0, end=30, text="x", trigger=Trigger(start=span[0], end=span[1])),
    fields,
    spans,
)
roles = st.lists(ids, max_size=2, unique=True).map(tuple)
events = st.builds(
    NewsEvent,
    id=ids,
    type=st.sampled_from([EventType.AID, EventType.ACCUSE]),
    quad_class=st.just(1),
    cameo_root=st.just("07"),
    score=st.just(0.0),
    confidence=st.floats(0, 1),
    modality=st.sampled_from(Modality),
    actors=roles,
    recipients=roles,
    locations=roles,
    evidence=st.lists(evidences, max_size=2).map(tuple),
    method=st.just("lexicon"),
)
articles = st.builds(
    EnrichedArticle,
    article_id=st.just("a"),
    text=st.sampled_from(TEXTS),
    processed_at=st.datetimes(timezones=st.just(UTC)),
    language=st.builds(Language, code=st.sampled_from(["it", "en"]), confidence=st.just(1.0)),
    entities=st.lists(entities, max_size=4, unique_by=lambda one: one.id).map(tuple),
    primary_event_type=st.sampled_from([EventType.AID, EventType.NONE]),
    events=st.lists(events, max_size=4, unique_by=lambda one: one.id).map(tuple),
    provenance=st.just(Provenance(service="0", event_ontology="plover-0.8", models=())),
    timings=st.just({}),
)


def _counts(found: Differences) -> Counter[str]:
    counted = Counter(f"entity {what}" for entity in found.entities for what in entity.what)
    counted.update(f"event {what}" for event in found.events for what in event.what)
    counted.update(name for name in ("text", "language", "primary_event_type") if getattr(found, name))
    return counted


def _swapped(counts: Counter[str]) -> Counter[str]:
    return Counter({" ".join(SWAPPED.get(word, word) for word in name.split()): count for name, count in counts.items()})


@given(article=articles)
def test_a_record_differs_from_itself_in_nothing(article: EnrichedArticle) -> None:
    """Whatever is in it; when it was made does not count."""
    again = article.model_copy(update={"processed_at": datetime(2026, 3, 2, tzinfo=UTC), "timings": {"text": 1.0}})

    assert not differences.compare(article, again, tolerance=0.0)


@given(before=articles, now=articles)
def test_the_other_way_round_counts_the_same(before: EnrichedArticle, now: EnrichedArticle) -> None:
    """What was added is then removed, and everything else is the same."""
    there = differences.compare(before, now)
    back = differences.compare(now, before)

    assert _counts(back) == _swapped(_counts(there))


@given(before=articles, now=articles)
def test_everything_is_accounted_for(before: EnrichedArticle, now: EnrichedArticle) -> None:
    """Who was there, less who is gone, with who is new, is who is there; and a difference can be written and read."""
    found = differences.compare(before, now)
    counted = _counts(found)

    for kind, old, new in (("entity", before.entities, now.entities), ("event", before.events, now.events)):
        assert len(old) - counted[f"{kind} removed"] + counted[f"{kind} added"] == len(new)
    assert Differences.model_validate_json(found.model_dump_json()) == found


@given(article=articles)
def test_the_order_does_not_count(article: EnrichedArticle) -> None:
    """Entities and events are sets."""
    turned = article.model_copy(update={"entities": article.entities[::-1], "events": article.events[::-1]})

    assert not differences.compare(article, turned)
