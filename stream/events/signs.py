"""What the encoder sees in the words of a sentence, beside what the lexicon knows of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from stream.events.lexicon import Entry
from stream.events.matching import Match
from stream.events.tokens import Words
from stream.records import EVENT_TYPES, EventType, Gist, Modality, Sentence, Sign

LEAST = 0.25
"""Probability from which a word that no lexicon knows is a candidate."""
LEAST_OF_TOLD, TOLD = 0.1, 0.4
"""The same where the sentence as a whole tells of the type with at least the latter."""
LIKELY = 0.3
"""Probability of a trigger from which a sentence is read though as a whole it tells of nothing."""
LONGEST = 6
"""Words of a trigger."""

_ENTRIES: Mapping[EventType, Entry] = {
    kind: Entry(
        pattern=f"~{kind.value}",
        type=kind,
        mode=None,
        frame="active",
        weight=0.5,
        with_=(),
        without=(),
        needs=frozenset({"@none"}),
        example="",
        elements=(),
        second=None,
        head=1,
    )
    for kind in EVENT_TYPES
}
"""What stands in for the entry of a lexicon where the encoder alone speaks."""
_start, _end = attrgetter("start"), attrgetter("end")
_NUMBER = {kind: number for number, kind in enumerate(EVENT_TYPES)}
_MODALITIES = tuple(Modality)


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one sentence by the number of the word."""

    by_word: Mapping[int, Sign]
    most: float = 0.0
    """The highest probability that any word triggers an event."""
    all: float = 0.0
    """The sum of these probabilities."""
    gist: Gist | None = None
    """What the encoder makes of the sentence as a whole."""

    def told(self, kind: EventType) -> float | None:
        """The probability that the sentence tells of this type; None where nobody read it as a whole."""
        return None if self.gist is None else self.gist.types[_NUMBER[kind]]

    def told_rival(self, kind: EventType) -> float:
        """The highest probability that it tells of another."""
        return 0.0 if self.gist is None else _highest_but(self.gist.types, _NUMBER[kind])

    @property
    def aside(self) -> float:
        """The probability that it is about sport, weather, markets or culture."""
        return 0.0 if self.gist is None else max(self.gist.aside)

    def type(self, kind: EventType, first: int, last: int) -> float:
        """The highest probability that one of the words triggers this type."""
        number, best = _NUMBER[kind], 0.0
        for sign in self._of(first, last):
            best = max(best, sign.types[number])
        return best

    def rival(self, kind: EventType, first: int, last: int) -> float:
        """The highest probability that one of the words triggers another type."""
        number, best = _NUMBER[kind], 0.0
        for sign in self._of(first, last):
            best = max(best, _highest_but(sign.types, number))
        return best

    def modality(self, first: int, last: int) -> Mapping[Modality, float]:
        """Probabilities of the modality of the likeliest trigger among the words; empty where there is no sign."""
        signs = self._of(first, last)
        if not signs:
            return {}
        best = signs[0] if len(signs) == 1 else max(signs, key=lambda sign: sum(sign.types))
        return dict(zip(_MODALITIES, best.modalities, strict=True))

    def part(self, first: int, last: int) -> tuple[float, float]:
        """The probabilities that a name among the words acts, and that an event is done to it."""
        signs = self._of(first, last)
        return max((one.actor for one in signs), default=0.0), max((one.recipient for one in signs), default=0.0)

    def triggers(self, known: Sequence[Match]) -> Iterator[Match]:
        """Candidates that the lexicon does not have: runs of words with one likely type, unless it names that type there."""
        run: list[int] = []
        kind: EventType | None = None
        sure = {one.entry.type for one in known}
        # beside a trigger that both know, the encoder takes other verbs of the sentence for triggers of the same event
        told = {one.entry.type for one in known if self.type(one.entry.type, one.first, one.last) >= LEAST}
        for at in sorted(self.by_word):
            types = self.by_word[at].types
            highest = max(types)
            here = EVENT_TYPES[types.index(highest)] if highest >= LEAST else None
            if here is not None:
                sure.add(here)
            if run and (here is not kind or at != run[-1] + 1 or len(run) == LONGEST):
                yield from _candidate(kind, run, known, told)
                run = []
            kind = here
            if here is not None:
                run.append(at)
        yield from _candidate(kind, run, known, told)
        yield from self._faint(sure)

    def _faint(self, sure: set[EventType]) -> Iterator[Match]:
        """The likeliest word for each type of which the sentence as a whole tells, and no word surely."""
        for number, told in enumerate(self.gist.types if self.gist else ()):
            if told >= TOLD and EVENT_TYPES[number] not in sure and self.by_word:
                at = max(self.by_word, key=lambda at: self.by_word[at].types[number])
                if self.by_word[at].types[number] >= LEAST_OF_TOLD:
                    yield Match(_ENTRIES[EVENT_TYPES[number]], at, at, at)

    def _of(self, first: int, last: int) -> list[Sign]:
        by_word = self.by_word
        return [by_word[at] for at in range(first, last + 1) if at in by_word]


def _highest_but(figures: tuple[float, ...], number: int) -> float:
    """The highest of some figures beside one."""
    return max(*figures[:number], *figures[number + 1 :])


def inside(sentence: Sentence, signs: Sequence[Sign]) -> Sequence[Sign]:
    """The signs that lie in a sentence; `signs` are those of its field, in order."""
    return signs[bisect_right(signs, sentence.start, key=_end) : bisect_left(signs, sentence.end, key=_start)]


def any_likely(signs: Iterable[Sign], gist: Gist) -> bool:
    """Whether a sentence may tell of an event at all; where this says no, hardly any was ever said, half of them wrongly."""
    most = max((sum(sign.types) for sign in signs), default=0.0)
    return most >= LIKELY or (most >= LEAST_OF_TOLD and max(gist.types) >= LEAST_OF_TOLD)


def of(sentence: Sentence, words: Words, signs: Iterable[Sign], gist: Gist | None = None) -> Signs:
    """The signs inside a sentence, by its words."""
    found: dict[int, Sign] = {}
    position = 0
    starts, ends = words.starts, words.ends
    for sign in signs:
        start = sign.start - sentence.start
        while position < len(starts) and ends[position] <= start:
            position += 1
        if position == len(starts):
            break
        if starts[position] <= start:
            other = found.get(position)
            if other is None or sum(other.types) < sum(sign.types):
                found[position] = sign
    if not found:
        return Signs({}, gist=gist)
    told = [sum(sign.types) for sign in found.values()]
    return Signs(found, most=max(told), all=sum(told), gist=gist)


def _candidate(kind: EventType | None, run: list[int], known: Sequence[Match], told: Collection[EventType]) -> Iterator[Match]:
    if kind is None or not run or kind in told:
        return
    first, last = run[0], run[-1]
    if not any(match.entry.type is kind and match.first <= last and first <= match.end for match in known):
        yield Match(_ENTRIES[kind], first, last, last)
