"""Everything in an article that may be an event: each trigger with its parties, its modality and what speaks for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stream.events import lexicon, matching, modality, people, roles, scoring, signs, tokens
from stream.records import Document, Entity, EntityType, EventType, FieldName, Gist, Modality, Sentence, Sign

_SURE = 0.6
"""Probability of a type from which the encoder is asked first."""
_SURER, _LIKELIEST = 0.9, 0.45
"""Probability from which the encoder's modality stands against the rules', where a lexicon has the trigger and where none has."""


class Candidate(NamedTuple):
    """One trigger."""

    sentence: Sentence
    context: scoring.Context
    match: matching.Match
    roles: roles.Roles
    """The parties as the rules have them."""
    modality: Modality
    features: scoring.Features

    @property
    def span(self) -> tuple[int, int]:
        """Where the trigger stands in its field."""
        start, words = self.sentence.start, self.context.clause.words
        return start + words.starts[self.match.first], start + words.ends[self.match.last]


def read(
    document: Document,
    entities: tuple[Entity, ...],
    seen: Sequence[Sign],
    gists: Sequence[Gist] = (),
    *,
    known: lexicon.Lexicon,
    media: frozenset[str],
    year: int | None,
) -> Iterator[Candidate]:
    """The candidates of an article, in the order of the text; several may share their words."""
    mentions = _mentions(entities, media)
    by_field: dict[FieldName, list[Sign]] = {"title": [], "text": []}
    for sign in seen:
        by_field[sign.field].append(sign)
    by_sentence = {(gist.field, gist.start): gist for gist in gists}
    split = []
    for sentence in document.sentences:
        inside = signs.inside(sentence, by_field[sentence.field])
        gist = by_sentence.get((sentence.field, sentence.start))
        if gist is not None and not signs.any_likely(inside, gist):
            continue  # read, and nothing seen: words of a lexicon alone are no event there
        words = tokens.split(sentence.text)
        split.append((sentence, words, list(map(known.look_up, words.keys)), signs.of(sentence, words, inside, gist)))
    article = scoring.Article(
        elsewhere=0.0 if gists else _elsewhere([hits for _, _, hits, _ in split]),
        aside=sum(max(gist.aside) for gist in gists) / len(gists) if gists else 0.0,
    )
    latest = functools.cache(lambda: year or modality.latest_year(document.text[:20000]) - modality.UNDATED)
    for sentence, words, hits, found in split:
        spans = mentions.get(sentence.field, [])
        yield from _sentence(sentence, words, hits, spans, found, known=known, article=article, latest=latest)


_Mention = tuple[int, int, str, EntityType, bool]


def _mentions(entities: tuple[Entity, ...], media: frozenset[str]) -> dict[str, list[_Mention]]:
    by_field: dict[str, list[_Mention]] = {}
    for entity in entities:
        if entity.type == EntityType.MISC:
            continue
        reports = not media.isdisjoint((entity.name.casefold(), *[one.text.casefold() for one in entity.mentions]))
        for one in entity.mentions:
            by_field.setdefault(one.field, []).append((one.start, one.end, entity.id, entity.type, reports))
    for spans in by_field.values():
        spans.sort(key=lambda span: span[:2])
    return by_field


def _elsewhere(read: list[list[lexicon.Hit]]) -> float:
    """Words of sport, weather, markets or culture in a hundred words of the article: the largest of the four."""
    counts = dict.fromkeys(lexicon.FIELDS_OF_LIFE, 0)
    total = 0
    for hits in read:
        total += len(hits)
        for hit in hits:
            for field in hit.fields:
                counts[field] += 1
    return 100 * max(counts.values()) / total if total >= 60 else 0.0


def _named(sentence: Sentence, words: tokens.Words, spans: list[_Mention]) -> list[people.Named]:
    named: list[people.Named] = []
    position = 0
    for start, end, who, kind, reports in spans:
        if start >= sentence.end:
            break
        if start < sentence.start:
            continue
        while position < len(words.starts) and words.ends[position] + sentence.start <= start:
            position += 1
        last = position
        while last + 1 < len(words.starts) and words.starts[last + 1] + sentence.start < end:
            last += 1
        if position >= len(words.starts):
            break
        if words.starts[position] + sentence.start < end and (not named or named[-1].last < position):
            named.append(people.Named(position, last, who, kind, reports))
    return named


def _sentence(
    sentence: Sentence,
    words: tokens.Words,
    hits: list[lexicon.Hit],
    spans: list[_Mention],
    seen: signs.Signs,
    *,
    known: lexicon.Lexicon,
    article: scoring.Article,
    latest: Callable[[], int],
) -> Iterator[Candidate]:
    if not seen.by_word and not any(hit.entries for hit in hits):
        return
    named = _named(sentence, words, spans)
    masked = [False] * len(hits)
    for one in named:
        masked[one.first : one.last + 1] = [True] * (one.last + 1 - one.first)
    present = matching.present(hits)
    found = matching.found(words, hits, masked, present)
    listed = [match for match in found if match.entry.type != EventType.NONE]
    silent = [match for match in found if match.entry.type == EventType.NONE]
    alone = [match for match in seen.triggers(listed) if not all(masked[match.first : match.last + 1])]
    if not listed and not alone:
        return
    cues = matching.cues(words, hits, masked, present)
    alone = [match for match in alone if not _denies(match, cues) and not _silenced(match, silent)]
    matches = sorted([*listed, *alone], key=lambda match: match.first)
    busy = [False] * len(hits)
    for match in matches:
        busy[match.first : match.last + 1] = [True] * (match.last + 1 - match.first)
    parties = people.parties(words, hits, named, busy)
    reported = frozenset(one.first for one in parties for cue in cues if cue.name == "source" and 0 < one.first - cue.last <= 2)
    clause = roles.Clause(words, hits, parties, listed, reported)  # what only may be a trigger governs nothing
    context = scoring.Context(clause, seen, matches, field=sentence.field, article=article)
    for number, match in enumerate(matches):
        sure = context.signs[number] >= _SURE
        outer = modality.embedded(match, clause, sure=sure or seen.gist is None)
        if outer is not None and outer.entry.type != EventType.REQUEST and (not sure or outer.entry.type == EventType.ACCUSE):
            continue  # the outer verb says it all: "threatened to attack" is a threat, "accused of having taken" an accusation
        taking_part = roles.assign(match, clause, known)
        if not sure and not _meets(match, taking_part, sentence, clause):
            continue
        real = _modality(match, clause, cues, known, seen, latest=latest, inside=outer is not None)
        yield Candidate(
            sentence,
            context,
            match,
            taking_part,
            real,
            scoring.features(number, context, taking_part, modality=real, inside=outer is not None),
        )


def _silenced(match: matching.Match, silent: list[matching.Match]) -> bool:
    """Whether a lexicon says of some of these words that they are no event."""
    return any(one.first <= match.last and match.first <= one.end for one in silent)


def _denies(match: matching.Match, cues: list[matching.CueMatch]) -> bool:
    """Whether words that the encoder takes for a trigger only say that something is not so: a denial is no event."""
    return any(cue.name in {"negation", "denial"} and cue.first <= match.first and match.last <= cue.last for cue in cues)


def _modality(
    match: matching.Match,
    clause: roles.Clause,
    cues: list[matching.CueMatch],
    known: lexicon.Lexicon,
    seen: signs.Signs,
    *,
    latest: Callable[[], int],
    inside: bool,
) -> Modality:
    """The modality of the rules; where they see an assertion, what the encoder is sure of: less real is safer than more."""
    ruled = modality.judge(match, clause, cues, known, latest=latest)
    if inside and ruled in {Modality.ASSERTED, Modality.FUTURE}:
        ruled = Modality.HYPOTHETICAL
    if ruled is not Modality.ASSERTED:
        return ruled
    read_as: Mapping[Modality, float] = seen.modality(match.first, match.last)
    best = max(read_as, key=lambda name: read_as[name], default=ruled)
    least = _SURER if match.entry.elements else _LIKELIEST  # the rules know the words around the triggers of a lexicon
    return best if read_as.get(best, 0.0) >= least else ruled


def _meets(match: matching.Match, seen: roles.Roles, sentence: Sentence, clause: roles.Clause) -> bool:
    """Whether the participants are there that an entry asks for."""
    needs = match.entry.needs
    itself = any(hit.acting for hit in clause.hits[match.first : match.end + 1])
    if "@actor" in needs and not (seen.actors or itself or (seen.passive and seen.recipients) or _pronoun(match, clause)):
        return False
    if "@object" in needs and not seen.recipients:
        after = clause.hits[match.last + 1 : match.last + 7]
        if seen.passive or not any("target" in hit.labels for hit in after):
            return False
    if "@title" in needs and sentence.field != "title":
        return False
    return "@none" in needs or itself or bool(clause.parties) or _pronoun(match, clause)


def _pronoun(match: matching.Match, clause: roles.Clause) -> bool:
    """Whether a pronoun is the subject: somebody acts, but this sentence does not name them."""
    return any("subject" in hit.labels for hit in clause.hits[max(0, match.first - 4) : match.last + 3])
