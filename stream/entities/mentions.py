"""Spans of text that name something: what the pipeline finds, trimmed, and mended where a known name says better."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from spacy.language import Language

from stream.entities import component, elsewhere, pipelines, words
from stream.entities.gazetteer import Gazetteer
from stream.records import EVENT_TYPES, EntityType, FieldName, Gist, Sign

_EDGE = " \t\n\r'\"«»„“”‘’‚`()[]{}<>,.;:!?…–—-/|*_"
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"\w+$")
_DATELINE = re.compile(
    r"\s*([^\W\d_]{2,40}(?:[ '’-][^\W\d_]+){0,3})"
    r"(?:,? (?:\([^)\n]{2,30}\) ?)?[—–-] |, [^.\n]{0,30}?(?:\([^)\n]{2,30}\)|[—–-] )| ?\([^)\n]{2,30}\) ?[.,:—–-])"
)
"""``LIMA - ``, ``MINSK (BelTA) - ``, ``SAN SEBASTIÁN, 3 sep (EFE).-``, ``ROMA (Adnkronos) -``."""

_BETWEEN = re.compile(r" |'| ?[^\W\d_]{1,3}(?: |')|-[^\W\d_]{1,3}-")
"""What may stand between two halves of a name."""

_GLUED_BEFORE = re.compile(r"(?<!\w)(?:\w+[-'’])+$")
_GLUED_AFTER = re.compile(r"(?:[-'’]\w+)+")
_GLUED = 30
"""Letters on each side of a span that may belong to the name of a place."""

_PROVINCE = re.compile(r" \([A-Z]{2}\)")
"""A province or a state after its town: ``Vernio (PO)``."""

_LONGEST = 200
_WORDS_OF_A_NAME = 4
_TORN = 2
"""Words of the first half of a name that was torn: one, and the small word that leads to the next."""

_SHORTEST = 3
"""Letters of an acronym that is written like a word: ``Usa``, ``Onu``, ``Ue``."""

_Span = tuple[int, int, EntityType | None]
_ABBREVIATED = frozenset({"inc.", "corp.", "co.", "ltd.", "jr.", "sr."})
_MARKED = frozenset({"yahoo!"})
"""Names whose last mark is their own."""


@dataclass(frozen=True, slots=True)
class Named:
    """A span and what kind of thing it names."""

    field: FieldName
    start: int
    end: int
    text: str
    type: EntityType


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a pipeline says of one field."""

    field: FieldName
    text: str
    spans: tuple[_Span, ...]
    signs: tuple[Sign, ...]
    gists: tuple[Gist, ...] = ()
    """Of the sentences that were read as a whole."""


def tag(nlp: Language, text: str, *, field: FieldName, sentences: Sequence[tuple[int, int]]) -> Tagged:
    """Run the pipeline; a name ends with the sentence in which it begins (`sentences` are those of the field, in order)."""
    if not text.strip():
        return Tagged(field, text, (), ())
    nlp.max_length = max(nlp.max_length, len(text) + 1)
    if nlp.pipe_names == [component.FACTORY]:
        read: component.Read = nlp.get_pipe(component.FACTORY).read(text)  # type: ignore[attr-defined] # what `component.load` put there
        names, found, votes = read.names, read.signs, read.votes
    else:
        with nlp.memory_zone():  # else spaCy keeps every word that it ever saw
            doc = nlp(text)
            names = [(span.start_char, span.end_char, span.label_) for span in doc.ents]
            found, votes = component.kept(doc)
    signs = tuple(
        Sign(field, start, end, tuple(types), tuple(modalities), *parts) for start, end, types, modalities, parts in found
    )
    gists = tuple(_gists(votes, sentences, field)) if votes else ()
    return Tagged(field, text, tuple(_inside_sentences(names, sentences)), signs, gists)


def _gists(votes: component.Votes, sentences: Sequence[tuple[int, int]], field: FieldName) -> Iterator[Gist]:
    for (start, end), told in zip(sentences, votes.of(sentences), strict=True):
        if told is not None:
            yield Gist(field, start, end, told[: len(EVENT_TYPES)], told[len(EVENT_TYPES) :])


def _inside_sentences(found: Iterable[tuple[int, int, str]], sentences: Sequence[tuple[int, int]]) -> Iterator[_Span]:
    starts = [start for start, _ in sentences]
    for start, end, label in found:
        number = bisect.bisect_right(starts, start) - 1
        if number >= 0 and start < sentences[number][1]:
            yield start, min(end, sentences[number][1]), pipelines.entity_type(label)


def read(tagged: Tagged, *, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    """The names in one field, in order; they never overlap."""
    field, text = tagged.field, tagged.text
    found = list(_recognised(tagged, language=language, gazetteer=gazetteer))
    dateline = _dateline(tagged, language, gazetteer)
    if dateline is not None:
        found = [dateline, *(one for one in found if one.start >= dateline.end)]
    taken = bytearray(len(text))
    for one in found:
        taken[one.start : one.end] = b"\1" * (one.end - one.start)
    found += _overlooked(text, taken, field=field, language=language, gazetteer=gazetteer)
    if isinstance(gazetteer, elsewhere.Elsewhere):
        unread = [one for one in gazetteer.find(text) if not any(taken[one[0] : one[1]])]
        found += [Named(field, start, end, text[start:end], kind) for start, end, kind in unread]
    place = None
    for one in sorted(found, key=lambda one: one.start):
        code = place is not None and _PROVINCE.fullmatch(text, place.end, one.end + 1) is not None
        place = replace(one, type=EntityType.LOC) if code else one
        yield place
        if place.type is not EntityType.LOC:
            place = None


def _dateline(tagged: Tagged, language: str, gazetteer: Gazetteer) -> Named | None:
    """The known place in capitals with which an agency's text begins, whatever the reader made of it."""
    match = _DATELINE.match(tagged.text) if tagged.field == "text" else None
    if match is None or not match[1].isupper() or not _is_somewhere(match[1], language, gazetteer):
        return None
    return Named("text", match.start(1), match.end(1), match[1], EntityType.LOC)


def _is_somewhere(name: str, language: str, gazetteer: Gazetteer) -> bool:
    known = gazetteer.lookup(name, language=language)
    if known is not None and known.certain:
        return known.type is EntityType.LOC
    return gazetteer.cities.find(name, language=language) is not None


def _overlooked(text: str, taken: bytearray, *, field: FieldName, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    """Seats of power (the Kremlin, the White House) and countries that stand where nothing was recognised.

    Tried with every known organisation: on Wikipedia it costs a point of precision for nothing.
    """
    runs = [match for match in _WORD.finditer(text) if not taken[match.start()] and match.group()[0].isupper()]
    for match in runs:
        if taken[match.start()]:
            continue
        for end in _ends(text, match.end()):
            known = gazetteer.lookup(text[match.start() : end], language=language)
            if known is not None and known.certain and (known.splits or known.country) and not any(taken[match.start() : end]):
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


def _recognised(tagged: Tagged, *, language: str, gazetteer: Gazetteer) -> Iterator[Named]:
    field, text = tagged.field, tagged.text
    whole = _unbroken(text, _known_whole(text, _joined(text, tagged.spans), language, gazetteer), language, gazetteer)
    for begin, stop, kind in whole:
        if kind is None:
            continue
        for start, end in _split(text, begin, stop, kind, gazetteer):
            found = _trimmed(text, start, end, kind, language)
            if found is None or _is_no_name(text[found[0] : found[1]], kind, language, gazetteer):
                continue
            name = text[found[0] : found[1]]
            parted = (start, end) != (begin, stop)
            yield Named(field, *found, name, _mended(name, kind, language, gazetteer, parted=parted))


def _joined(text: str, spans: Iterable[_Span]) -> list[_Span]:
    """The spans, those that were torn after a small word made whole: ``Comune di`` and ``Vercelli``."""
    whole: list[_Span] = []
    for start, end, kind in spans:
        if whole and whole[-1][2] is kind and _is_torn(text[whole[-1][0] : whole[-1][1]], text[whole[-1][1] : start]):
            whole[-1] = (whole[-1][0], end, kind)
        else:
            whole.append((start, end, kind))
    return whole


def _known_whole(text: str, spans: Iterable[_Span], language: str, gazetteer: Gazetteer) -> list[_Span]:
    """The spans, two that are together one known name made one: ``Monaco`` and ``Baviera``, ``Montepaschi`` and ``Siena``."""
    whole: list[_Span] = []
    for start, end, kind in spans:
        if whole and kind is not None and whole[-1][2] is not None and _BETWEEN.fullmatch(text, whole[-1][1], start):
            first = whole[-1][0]
            joined = _type_of(text[first:end], language, gazetteer)
            if joined is not None:
                whole[-1] = (first, end, joined)
                continue
        whole.append((start, end, kind))
    return whole


def _type_of(name: str, language: str, gazetteer: Gazetteer) -> EntityType | None:
    """What a name of several words is known to name."""
    known = gazetteer.lookup(name, language=language)
    if known is not None:
        return known.type if known.certain else None
    return EntityType.LOC if gazetteer.cities.find(name, language=language) is not None else None


def _unbroken(text: str, spans: Iterable[_Span], language: str, gazetteer: Gazetteer) -> Iterator[_Span]:
    """The spans, with the rest of a known place's name that a hyphen or an apostrophe cut off: ``N'`` before ``Djamena``."""
    done = 0
    for start, end, kind in spans:
        if start < done:
            continue
        first, last = _glued(text, *_inside(text, start, end))
        wholes = ((first, last), (start, last), (first, end))
        possible = (one for one in wholes if one != (start, end) and one[0] >= done)
        whole = next((one for one in possible if _is_place(text[slice(*one)], language, gazetteer)), None)
        done = whole[1] if whole else end
        yield (*whole, EntityType.LOC) if whole else (start, end, kind)


def _glued(text: str, start: int, end: int) -> tuple[int, int]:
    """A span with the words that hyphens and apostrophes join to it."""
    before = _GLUED_BEFORE.search(text, max(0, start - _GLUED), start)
    after = _GLUED_AFTER.match(text, end, end + _GLUED)
    return before.start() if before else start, after.end() if after else end


def _is_place(name: str, language: str, gazetteer: Gazetteer) -> bool:
    known = gazetteer.lookup(name, language=language)
    if known is not None:
        return known.certain and known.type is EntityType.LOC
    city = gazetteer.cities.find(name, language=language)
    return city is not None and city.large


def _is_torn(name: str, gap: str) -> bool:
    found = _WORD.findall(name)
    return gap in ("", " ") and len(found) == _TORN and name[0].isupper() and words.is_of(found[1])


def _split(text: str, start: int, end: int, kind: EntityType, gazetteer: Gazetteer) -> list[tuple[int, int]]:
    """Two names that were read as one: a known organisation or place before a person ("Cremlino Dmitry Peskov", "Usa Obama")."""
    found = [(match.start() + start, match.end() + start) for match in _WORD.finditer(text[start:end])]
    if kind is EntityType.ORG or len(found) < _TORN:
        return [(start, end)]
    head = text[found[0][0] : found[0][1]]
    known = gazetteer.lookup(head)
    if known is None or known.type is EntityType.PER:
        return [(start, end)]
    acronym = known.certain and (len(head) <= _SHORTEST or (head.isupper() and not text[start:end].isupper()))
    if (known.splits and len(found) > _TORN) or (kind is EntityType.PER and acronym):
        return [found[0], (found[1][0], end)]
    return [(start, end)]


def _trimmed(text: str, start: int, end: int, kind: EntityType, language: str) -> tuple[int, int] | None:
    """The span without quotes, titles, articles and possessives; None where no name is left."""
    start, end = _inside(text, start, end)
    opened = text.find("(", start, end)
    if opened > start and text.find(")", opened, end) < 0:
        start, end = _inside(text, start, opened)
    while (last := _LAST_WORD.search(text, start, end)) and last.start() > start and words.is_link(last.group()):
        start, end = _inside(text, start, last.start())
    if found := _POSSESSIVE.search(text, start, end):
        end = found.start() if found.start() > start else end
    while (
        (found := _WORD.match(text, start, end))
        and found.end() < end
        and words.is_leading(found.group(), kind=kind, language=language)
    ):
        start = found.end()
        while start < end and text[start] in _EDGE:
            start += 1
    name = text[start:end]
    letters = sum(character.isalpha() for character in name)
    if not letters or len(name) > _LONGEST or (len(name) == 1 and (name.islower() or name.isupper())):
        return None
    return start, end


def _inside(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the space, quotes, brackets and marks at its ends."""
    while start < end and (text[start] in _EDGE or text[start].isspace()):
        start += 1
    while start < end and (text[end - 1] in _EDGE or text[end - 1].isspace()) and not _is_abbreviation(text, start, end):
        end -= 1
    return start, end


def _is_no_name(name: str, kind: EntityType, language: str, gazetteer: Gazetteer) -> bool:
    """Whether a span that was read as a name is a pronoun, an office, an article, an adjective of place, or a common noun."""
    if all(character.islower() or not character.isalpha() for character in name):
        known = gazetteer.lookup(name)
        return known is None or (known.link is None and not known.splits)
    if kind is EntityType.PER and words.is_nobody(name):
        return True
    if kind is EntityType.ORG and words.is_no_organisation(name):
        return True
    if " " in name or kind is not EntityType.LOC:
        return words.is_article(name)
    return words.is_article(name) or name[0].islower() or gazetteer.is_demonym(name, language=language)


def _is_abbreviation(text: str, start: int, end: int) -> bool:
    """Whether the last mark belongs to the name: ``U.S.``, ``Inc.``, ``Yahoo!``."""
    name = text[start:end]
    if name.lower() in _MARKED:
        return True
    return name.endswith(".") and (name.count(".") > 1 or name.rpartition(" ")[2].lower() in _ABBREVIATED)


def _mended(name: str, kind: EntityType, language: str, gazetteer: Gazetteer, *, parted: bool) -> EntityType:
    """What a name names, after asking the names that are known."""
    known = gazetteer.lookup(name, language=language)
    if known is not None and known.certain:
        return known.type
    if parted and kind is EntityType.LOC:
        return EntityType.PER  # what follows a known organisation in one breath is its speaker
    return kind
