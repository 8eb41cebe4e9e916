"""Spans of text that name something: what the pipeline finds, trimmed, and mended where a known name says better."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spacy.language import Language

from stream.entities import pipelines, words
from stream.entities.gazetteer import Gazetteer
from stream.records import EntityType, FieldName

_EDGE = " \t\n\r'\"«»„“”‘’‚`()[]{}<>,.;:!?…–—-/|*_"
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
_WORD = re.compile(r"\w+")
_LONGEST = 200
_WORDS_OF_A_NAME = 4
_ABBREVIATED = frozenset({"inc.", "corp.", "co.", "ltd.", "jr.", "sr."})


@dataclass(frozen=True, slots=True)
class Named:
    """A span and what kind of thing it names."""

    field: FieldName
    start: int
    end: int
    text: str
    type: EntityType


def read(nlp: Language, text: str, *, field: FieldName, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    """The names in one field, in order; they never overlap."""
    if not text.strip():
        return
    nlp.max_length = max(nlp.max_length, len(text) + 1)
    found = list(_recognised(nlp, text, field=field, language=language, gazetteer=gazetteer))
    taken = bytearray(len(text))
    for one in found:
        taken[one.start : one.end] = b"\1" * (one.end - one.start)
    found += _overlooked(text, taken, field=field, language=language, gazetteer=gazetteer)
    yield from sorted(found, key=lambda one: one.start)


def _overlooked(text: str, taken: bytearray, *, field: FieldName, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    """Seats of power (the Kremlin, the White House) that stand where nothing was recognised.

    Tried with every known organisation: on Wikipedia it costs a point of precision for nothing.
    """
    runs = [match for match in _WORD.finditer(text) if not taken[match.start()] and match.group()[0].isupper()]
    for match in runs:
        if taken[match.start()]:
            continue
        for end in _ends(text, match.end()):
            known = gazetteer.lookup(text[match.start() : end], language=language)
            if known is not None and known.certain and known.splits and not any(taken[match.start() : end]):
                taken[match.start() : end] = b"\1" * (end - match.start())
                yield Named(field, match.start(), end, text[match.start() : end], known.type)
                break


def _ends(text: str, end: int) -> list[int]:
    """Where a name of up to four words may end, the longest first."""
    ends = [end]
    for match in _WORD.finditer(text, end, end + 60):
        if text[ends[-1] : match.start()].strip("' ’") or len(ends) == _WORDS_OF_A_NAME:
            break
        ends.append(match.end())
    return ends[::-1]


def _recognised(nlp: Language, text: str, *, field: FieldName, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    for span in nlp(text).ents:
        kind = pipelines.entity_type(span.label_)
        if kind is None:
            continue
        for start, end in _split(text, span.start_char, span.end_char, kind, gazetteer):
            found = _trimmed(text, start, end, kind)
            if found is None or _is_no_name(text[found[0] : found[1]], kind, language, gazetteer):
                continue
            name = text[found[0] : found[1]]
            parted = (start, end) != (span.start_char, span.end_char)
            yield Named(field, *found, name, _mended(name, kind, language, gazetteer, parted=parted))


def _split(text: str, start: int, end: int, kind: EntityType, gazetteer: Gazetteer) -> list[tuple[int, int]]:
    """Two names that were read as one: a known organisation or place before a person ("Cremlino Dmitry Peskov")."""
    found = [(match.start() + start, match.end() + start) for match in _WORD.finditer(text[start:end])]
    if kind is EntityType.ORG or len(found) < 3:
        return [(start, end)]
    known = gazetteer.lookup(text[found[0][0] : found[0][1]])
    if known is None or known.type is EntityType.PER or not known.splits:
        return [(start, end)]
    return [found[0], (found[1][0], end)]


def _trimmed(text: str, start: int, end: int, kind: EntityType) -> tuple[int, int] | None:
    """The span without quotes, titles, articles and possessives; None where no name is left."""
    while start < end and text[start] in _EDGE:
        start += 1
    while start < end and text[end - 1] in _EDGE and not _is_abbreviation(text, start, end):
        end -= 1
    if found := _POSSESSIVE.search(text, start, end):
        end = found.start() if found.start() > start else end
    while (found := _WORD.match(text, start, end)) and found.end() < end and words.is_leading(found.group(), kind=kind):
        start = found.end()
        while start < end and text[start] in _EDGE:
            start += 1
    name = text[start:end]
    letters = sum(character.isalpha() for character in name)
    if not letters or len(name) > _LONGEST or (letters < 2 and (name[0].islower() or name[0].isupper())):
        return None
    return start, end


def _is_no_name(name: str, kind: EntityType, language: str, gazetteer: Gazetteer) -> bool:
    """Whether a span that was read as a name is an article, an adjective of place, or a common noun."""
    if " " in name or kind is not EntityType.LOC:
        return words.is_article(name)
    return words.is_article(name) or name[0].islower() or gazetteer.is_demonym(name, language=language)


def _is_abbreviation(text: str, start: int, end: int) -> bool:
    """Whether the last full stop belongs to the name: ``U.S.``, ``Inc.``."""
    name = text[start:end]
    return name.endswith(".") and (name.count(".") > 1 or name.rpartition(" ")[2].lower() in _ABBREVIATED)


def _mended(name: str, kind: EntityType, language: str, gazetteer: Gazetteer, *, parted: bool) -> EntityType:
    """What a name names, after asking the names that are known."""
    known = gazetteer.lookup(name, language=language)
    if known is not None and known.certain:
        return known.type
    if parted and kind is EntityType.LOC:
        return EntityType.PER  # what follows a known organisation in one breath is its speaker
    return kind
