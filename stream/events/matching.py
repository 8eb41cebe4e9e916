"""Where the patterns of a lexicon stand in a sentence."""

from __future__ import annotations

from typing import NamedTuple

from stream.events.lexicon import Element, Entry, Hit
from stream.events.tokens import Words

REACH = 10
"""Words on either side of a trigger in which a required word must stand."""
PASSED_OVER = ("skip", "aux")
"""Words that may stand between two words of a pattern: articles, and auxiliaries (``si [è] dimesso``)."""


class Match(NamedTuple):
    """A trigger: words `first` to `last` are shown, and `end` is the last word of the whole pattern."""

    entry: Entry
    first: int
    last: int
    end: int


class CueMatch(NamedTuple):
    """A cue at words `first` to `last`."""

    name: str
    first: int
    last: int


def triggers(words: Words, hits: list[Hit], masked: list[bool]) -> list[Match]:
    """The triggers of a sentence, in order: what is found but `NONE`."""
    return [one for one in found(words, hits, masked, present(hits)) if one.entry.type != "NONE"]


def found(words: Words, hits: list[Hit], masked: list[bool], present: frozenset[str]) -> list[Match]:
    """The patterns of a sentence, in order: of two that overlap the longer stands, then the heavier; `NONE` silences words."""
    fitting = []
    for at, hit in enumerate(hits):
        for entry in hit.entries:
            if entry.second is not None and present.isdisjoint(entry.second):
                continue  # most patterns begin with a word that many have
            span = (at, at) if entry.second is None else _span(entry.elements, entry.head, words, hits, at)
            if span is None or not _required(entry, hits, at, span[1]) or not present.isdisjoint(entry.without):
                continue
            if all(masked[at : span[0] + 1]):
                continue  # inside a name: Strike Force, Save the Children
            fitting.append(Match(entry, at, span[0], span[1]))
    fitting.sort(key=lambda one: (one.first - one.end - len(one.entry.with_), -len(one.entry.elements), -one.entry.weight))
    taken = [False] * len(hits)
    kept = []
    for one in fitting:
        if any(taken[one.first : one.last + 1]):
            continue
        kept.append(one)
        last = one.end if one.entry.type == "NONE" else one.last
        taken[one.first : last + 1] = [True] * (last + 1 - one.first)
    return sorted(kept, key=lambda one: one.first)


def cues(words: Words, hits: list[Hit], masked: list[bool], present: frozenset[str]) -> list[CueMatch]:
    """The cues of a sentence, in order; a name is none: Will, May, or Portuguese Iran (``Irão``), which is also "they will"."""
    found = []
    for at, hit in enumerate(hits):
        for cue in hit.cues:
            if cue.second is not None and present.isdisjoint(cue.second):
                continue
            span = (at, at) if cue.second is None else _span(cue.elements, len(cue.elements), words, hits, at)
            if span is not None and not all(masked[at : span[1] + 1]):
                found.append(CueMatch(cue.name, at, span[1]))
    return found


def present(hits: list[Hit]) -> frozenset[str]:
    """The labels of all words of a sentence: what no pattern can do without."""
    return frozenset[str]().union(*(one.labels for one in hits))


def _span(elements: tuple[Element, ...], head: int, words: Words, hits: list[Hit], at: int) -> tuple[int, int] | None:
    """The last word of the trigger and of the whole pattern that begins at `at`."""
    last = end = at
    breaks, length = words.breaks, len(hits)
    for number in range(1, len(elements)):
        element = elements[number]
        wanted, room = element.labels, element.gap
        pause = 1 if room else 0
        position = end + 1
        while True:
            if position >= length or breaks[position] > pause:
                return None
            labels = hits[position].labels
            if not labels.isdisjoint(wanted):
                break
            if labels.isdisjoint(PASSED_OVER):
                if not room:
                    return None
                room -= 1
            elif position - end > 10:
                return None
            position += 1
        end = position
        if number < head:
            last = position
    return last, end


def _required(entry: Entry, hits: list[Hit], first: int, end: int) -> bool:
    if not entry.with_:
        return True
    near = hits[max(0, first - REACH) : first] + hits[first : end + 1 + REACH]
    return all(any(label in hit.labels for hit in near) for label in entry.with_)
