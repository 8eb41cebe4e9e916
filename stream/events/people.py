"""Who is named in a sentence: noun phrases around mentions and around words for people, states and forces."""

from __future__ import annotations

from typing import NamedTuple

from stream.events.lexicon import Hit
from stream.events.tokens import Words
from stream.records import EntityType

_RANK = {EntityType.PER: 0, EntityType.ORG: 1, EntityType.LOC: 2}


class Named(NamedTuple):
    """A mention of an entity in this sentence, as words `first` to `last`."""

    first: int
    last: int
    id: str
    type: EntityType
    media: bool


class Party(NamedTuple):
    """A noun phrase that somebody may act or suffer as: ``President Biden``, ``the government of Italy``, ``the police``."""

    first: int
    last: int
    ids: tuple[str, ...]
    """The entity that the phrase stands for; empty where only a common noun names it."""
    place: bool
    """Only a place name: a country that acts, or where something happens."""
    media: bool
    marker: frozenset[str]
    """The labels of the word before: a preposition, a conjunction, a comma (``,``) or nothing."""


def parties(words: Words, hits: list[Hit], named: list[Named], busy: list[bool]) -> list[Party]:
    """The noun phrases of a sentence, in order; words that are `busy` (triggers) are in none."""
    spans: list[tuple[int, int, Named | None]] = [(one.first, one.last, one) for one in named]
    covered = [False] * len(hits)
    for one in named:
        covered[one.first : one.last + 1] = [True] * (one.last + 1 - one.first)
    for at, hit in enumerate(hits):
        if not covered[at] and not busy[at] and hit.acting:
            spans.append((at, at, None))
    spans.sort(key=lambda span: span[:2])
    groups: list[list[tuple[int, int, Named | None]]] = []
    for span in spans:
        if groups and _joined(words, hits, busy, groups[-1][-1][1], span[0]):
            groups[-1].append(span)
        else:
            groups.append([span])
    return [_party(words, hits, group) for group in groups]


def _joined(words: Words, hits: list[Hit], busy: list[bool], last: int, first: int) -> bool:
    """Whether two spans belong to one phrase: they touch, or only a genitive word stands between."""
    if first - last > 3 or any(words.breaks[last + 1 : first + 1]) or any(busy[last + 1 : first]):
        return False
    between = hits[last + 1 : first]
    return all("of" in hit.labels or "skip" in hit.labels for hit in between) if between else True


def _party(words: Words, hits: list[Hit], group: list[tuple[int, int, Named | None]]) -> Party:
    first, last = group[0][0], group[-1][1]
    names = [one for _, _, one in group if one is not None]
    best = min((_RANK.get(one.type, 3) for one in names), default=3)
    chosen = [one for one in names if _RANK.get(one.type, 3) == best][-1:]
    before = first - 1
    while before >= 0 and "skip" in hits[before].labels and "of" not in hits[before].labels and not words.breaks[before + 1]:
        before -= 1
    marker = hits[before].labels if before >= 0 and not words.breaks[before + 1] else frozenset[str]()
    if words.breaks[before + 1 if before >= 0 else 0] == 1:
        marker = frozenset({","})
    return Party(
        first=first,
        last=last,
        ids=tuple(one.id for one in chosen),
        place=best == _RANK[EntityType.LOC] and len(names) == len(group),
        media=any(one.media for one in chosen),
        marker=marker,
    )
