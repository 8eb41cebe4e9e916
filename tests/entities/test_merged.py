"""Whole articles: each thing once, with all of its mentions, under its name, with its link."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from stream import entities, text
from stream.records import Entity, FieldName

pytestmark = pytest.mark.models

ARTICLES = Path(__file__).parent / "articles"
_MARKED = re.compile(r"\[([^\]|]+)\|(\w+)\]")

Place = tuple[FieldName, int, int]


@dataclass(frozen=True)
class Thing:
    """What an entity is and where it is mentioned."""

    type: str
    name: str
    link: str
    places: frozenset[Place]


@dataclass(frozen=True)
class Article:
    """An article without its marks, and what it mentions."""

    name: str
    title: str
    text: str
    things: tuple[Thing, ...]


def _unmarked(marked: str, field: FieldName) -> tuple[str, list[tuple[str, Place]]]:
    plain, places, done = "", [], 0
    for match in _MARKED.finditer(marked):
        plain += marked[done : match.start()]
        places.append((match[2], (field, len(plain), len(plain) + len(match[1]))))
        plain += match[1]
        done = match.end()
    return plain + marked[done:], places


def _read(path: Path) -> Article:
    body, _, listed = path.read_text(encoding="utf-8").partition("\n===\n")
    first, _, rest = body.partition("\n")
    title, in_title = _unmarked(first, "title")
    plain, in_text = _unmarked(rest, "text")
    places: dict[str, set[Place]] = defaultdict(set)
    for key, place in (*in_title, *in_text):
        places[key].add(place)
    rows = [line.split("\t") for line in listed.splitlines()]
    assert places.keys() == {key for key, *_ in rows}, path
    return Article(
        path.stem, title, plain, tuple(Thing(kind, name, link, frozenset(places[key])) for key, kind, name, link in rows)
    )


@cache
def _articles() -> tuple[Article, ...]:
    return tuple(_read(path) for path in sorted(ARTICLES.glob("*.txt")))


@cache
def _said(article: Article) -> tuple[Thing, ...]:
    document = text.clean(article.title, article.text)
    assert (document.title, document.text) == (article.title, article.text), "marks would point elsewhere"
    found = entities.find(document, language=article.name[:2], article_id=article.name, models=_models())
    return tuple(_thing(entity) for entity in found)


@cache
def _models() -> entities.Models:
    return entities.load(pipelines={})


def _thing(entity: Entity) -> Thing:
    link = f"{entity.link.scheme}:{entity.link.id}" if entity.link else "-"
    return Thing(entity.type.value, entity.name, link, frozenset((one.field, one.start, one.end) for one in entity.mentions))


def _pairs(gold: tuple[Thing, ...], said: tuple[Thing, ...]) -> list[tuple[Thing, Thing]]:
    """Each thing with the entity of its type that shares most mentions with it, one to one."""
    possible = sorted(
        ((len(one.places & other.places), first, second) for first, one in enumerate(gold) for second, other in enumerate(said)),
        reverse=True,
    )
    found: dict[int, int] = {}
    for shared, first, second in possible:
        if shared and gold[first].type == said[second].type and first not in found and second not in found.values():
            found[first] = second
    return [(gold[first], said[second]) for first, second in found.items()]


def _scores(articles: tuple[Article, ...]) -> tuple[float, float, float]:
    """F1 of mentions in the entity that they belong to; shares of the things with the right name, and with the right link."""
    hits = gold = said = names = links = things = 0
    for article in articles:
        found = _said(article)
        pairs = _pairs(article.things, found)
        hits += sum(len(one.places & other.places) for one, other in pairs)
        gold += sum(len(one.places) for one in article.things)
        said += sum(len(one.places) for one in found)
        names += sum(one.name == other.name for one, other in pairs)
        links += sum(one.link == other.link for one, other in pairs)
        things += len(article.things)
    return 2 * hits / (gold + said), names / things, links / things


def _differences(articles: tuple[Article, ...]) -> str:
    lines = []
    for article in articles:
        pairs = _pairs(article.things, _said(article))
        lines += [f"{article.name}: {one} came out as {other}" for one, other in pairs if one != other]
        lines += [f"{article.name}: {one} is missing" for one in article.things if all(one is not gold for gold, _ in pairs)]
        lines += [f"{article.name}: {one} is too much" for one in _said(article) if all(one is not other for _, other in pairs)]
    return "\n".join(lines)


@pytest.mark.parametrize("language", ["it", "en", "uk"])
def test_mentions_come_out_in_the_entity_that_they_belong_to(language: str) -> None:
    """Mentions, merging, names and links, each above its floor."""
    articles = tuple(one for one in _articles() if one.name.startswith(language))
    f1, names, links = _scores(articles)

    assert len(articles) == 4
    assert f1 >= 0.95, _differences(articles)
    assert names >= 0.95, _differences(articles)
    assert links >= 0.95, _differences(articles)


def test_the_score_falls_with_what_is_wrong() -> None:
    """Two things for one, and one for two, cost mentions."""
    one: frozenset[Place] = frozenset({("text", 0, 1)})
    two: frozenset[Place] = frozenset({("text", 2, 3)})
    whole, first, second = (Thing("PER", "A", "-", places) for places in (one | two, one, two))
    place = Thing("LOC", "A", "-", one | two)

    assert [(a.places, b.places) for a, b in _pairs((whole,), (first, second))] == [(one | two, two)]
    assert len(_pairs((first, second), (whole,))) == 1
    assert _pairs((whole,), (place,)) == []
