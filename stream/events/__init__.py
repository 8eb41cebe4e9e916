"""What happened, to whom, and on what evidence: PLOVER event types by lexicon and rule, in ten languages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from stream.events import lexicon, matching, merging, modality, people, roles, scoring, taxonomy, tokens
from stream.records import Document, Entity, EntityType, EventType, Evidence, Modality, ModelInfo, NewsEvent, Sentence, Trigger

METHOD = "lexicon/1"
PRIMARY = {
    Modality.ASSERTED: 1.0,
    Modality.FUTURE: 0.6,
    Modality.HYPOTHETICAL: 0.3,
    Modality.HISTORICAL: 0.1,
    Modality.NEGATED: 0.0,
}
"""What an event of each modality weighs in an article's main type."""


@dataclass(frozen=True, slots=True)
class Models:
    """The taxonomy and the lexicons, compiled."""

    ontology: str
    infos: tuple[ModelInfo, ...]
    taxonomy: taxonomy.Taxonomy
    lexicons: dict[str, lexicon.Lexicon]
    media: frozenset[str]


def load() -> Models:
    """Read every lexicon that is bundled; raises `ValueError` where one is wrong."""
    folder = resources.files("stream").joinpath("assets", "events")
    types = taxonomy.read(folder.joinpath("plover-0.8.toml").read_text("utf-8"))
    media = folder.joinpath("media.txt").read_text("utf-8")
    languages = sorted(one.name.removesuffix(".tsv") for one in folder.iterdir() if one.name.endswith(".tsv"))
    lexicons, infos = {}, []
    for language in languages:
        triggers = folder.joinpath(f"{language}.tsv").read_text("utf-8")
        words = folder.joinpath(f"{language}.toml").read_text("utf-8")
        lexicons[language] = lexicon.read(language, triggers, words)
        digest = hashlib.sha256(f"{triggers}\x1f{words}\x1f{media}".encode()).hexdigest()
        infos.append(ModelInfo(name=f"events_lexicon_{language}", version=lexicons[language].version, sha256=digest))
    return Models(
        ontology=types.version,
        infos=tuple(infos),
        taxonomy=types,
        lexicons=lexicons,
        media=frozenset(line.casefold() for line in media.splitlines() if line and not line.startswith("#")),
    )


def find(
    document: Document,
    entities: tuple[Entity, ...],
    *,
    language: str,
    article_id: str,
    models: Models,
    threshold: float | None = None,
    year: int | None = None,
) -> tuple[NewsEvent, ...]:
    """The events of an article; none in a language without a lexicon, or below the threshold.

    `year` is the one in which the article appeared: what it dates long before is history.
    """
    known = models.lexicons.get(language)
    if known is None:
        return ()
    least = scoring.THRESHOLD if threshold is None else threshold
    mentions = _mentions(entities, models.media)
    read = []
    for sentence in document.sentences:
        words = tokens.split(sentence.text)
        read.append((sentence, words, [known.look_up(key) for key in words.keys]))
    article = _elsewhere([hits for _, _, hits in read])
    latest = year or modality.latest_year(document.text[:20000]) - modality.UNDATED
    found = []
    for sentence, words, hits in read:
        found += _sentence(
            sentence, words, hits, mentions.get(sentence.field, []), known=known, article=article, latest=latest, least=least
        )
    return merging.merge(found, article_id=article_id, taxonomy=models.taxonomy, method=METHOD)


def primary(found: tuple[NewsEvent, ...], document: Document) -> EventType:
    """The type that an article is mainly about: title and lead weigh most, what happened before what may happen; or `NONE`."""
    lead = min((one.end for one in document.sentences if one.field == "text"), default=0)
    weights: dict[EventType, float] = {}
    for event in found:
        place = sum(
            3.0 if one.field == "title" else 2.0 if one.end <= lead else max(0.3, 1.0 - one.start / 3000)
            for one in event.evidence[:8]
        )
        weights[event.type] = weights.get(event.type, 0.0) + place * event.confidence * PRIMARY[event.modality]
    best = max(weights, key=lambda kind: (weights[kind], kind), default=EventType.NONE)
    return best if weights.get(best) else EventType.NONE  # what did not happen is not what an article is about


_Mention = tuple[int, int, str, EntityType, bool]


def _mentions(entities: tuple[Entity, ...], media: frozenset[str]) -> dict[str, list[_Mention]]:
    by_field: dict[str, list[_Mention]] = {}
    for entity in entities:
        if entity.type == EntityType.MISC:
            continue
        reports = entity.name.casefold() in media or any(one.text.casefold() in media for one in entity.mentions)
        for one in entity.mentions:
            by_field.setdefault(one.field, []).append((one.start, one.end, entity.id, entity.type, reports))
    for spans in by_field.values():
        spans.sort(key=lambda span: span[:2])
    return by_field


def _elsewhere(read: list[list[lexicon.Hit]]) -> float:
    """Words of sport, weather, markets or culture in a hundred words of the article: the largest of the four."""
    counts = dict.fromkeys(scoring.FIELDS_OF_LIFE, 0)
    total = 0
    for hits in read:
        total += len(hits)
        for hit in hits:
            for label in hit.labels:
                if label in counts:
                    counts[label] += 1
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
    *,
    known: lexicon.Lexicon,
    article: float,
    latest: int,
    least: float,
) -> list[merging.Found]:
    if not any(hit.entries for hit in hits):
        return []
    named = _named(sentence, words, spans)
    masked = [False] * len(hits)
    for one in named:
        masked[one.first : one.last + 1] = [True] * (one.last + 1 - one.first)
    matches = matching.triggers(words, hits, masked)
    if not matches:
        return []
    busy = [False] * len(hits)
    for match in matches:
        busy[match.first : match.last + 1] = [True] * (match.last + 1 - match.first)
    parties = people.parties(words, hits, named, busy)
    cues = matching.cues(words, hits)
    reported = frozenset(one.first for one in parties for cue in cues if cue.name == "source" and 0 < one.first - cue.last <= 2)
    clause = roles.Clause(words, hits, parties, matches, reported)
    found = []
    for match in matches:
        outer = modality.embedded(match, clause)
        if outer is not None and outer.entry.type != EventType.REQUEST:
            continue  # the outer verb says it all: "threatened to attack" is a threat
        seen = roles.assign(match, clause, known)
        if not _meets(match, seen, sentence, clause):
            continue
        real = modality.judge(match, clause, cues, known, latest=latest)
        if outer is not None and real in {Modality.ASSERTED, Modality.FUTURE}:
            real = Modality.HYPOTHETICAL
        sure = scoring.confidence(
            scoring.features(match, clause, seen, field=sentence.field, modality=real, inside=outer is not None, article=article)
        )
        if sure >= least:
            found.append(_found(match, seen, sentence, words, real, sure))
    return found


def _meets(match: matching.Match, seen: roles.Roles, sentence: Sentence, clause: roles.Clause) -> bool:
    """Whether the participants are there that an entry asks for."""
    needs = match.entry.needs
    itself = any(not hit.labels.isdisjoint(people.ACTING) for hit in clause.hits[match.first : match.end + 1])
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


def _found(
    match: matching.Match, seen: roles.Roles, sentence: Sentence, words: tokens.Words, real: Modality, sure: float
) -> merging.Found:
    start, end = sentence.start + words.starts[match.first], sentence.start + words.ends[match.last]
    evidence = Evidence(
        field=sentence.field, start=sentence.start, end=sentence.end, text=sentence.text, trigger=Trigger(start=start, end=end)
    )

    def ids(parties: tuple[people.Party, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(who for party in parties for who in party.ids))

    actors = ids(seen.actors)
    return merging.Found(
        type=modality.actual(match.entry.type, real),
        mode=match.entry.mode,
        modality=real,
        confidence=sure,
        actors=actors,
        recipients=tuple(who for who in ids(seen.recipients) if who not in actors),
        locations=ids(seen.places),
        evidence=evidence,
        word=match.entry.pattern,
    )
