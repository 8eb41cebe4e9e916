"""What happened, to whom, on what evidence: PLOVER types by lexicons, rules and what the encoder saw, in ten languages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from stream.events import candidates, lexicon, merging, modality, parts, people, scoring, taxonomy
from stream.records import Document, Entity, EventType, Evidence, Gist, Modality, ModelInfo, NewsEvent, Sign, Trigger

METHOD = "lexicon/2"
SCORER = "4"
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
    scorers: dict[str, scoring.Scorer]
    weighers: dict[str, parts.Weigher]
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
    learned = folder.joinpath("scorer.json").read_text("utf-8")
    infos.append(ModelInfo(name="events_scorer", version=SCORER, sha256=hashlib.sha256(learned.encode()).hexdigest()))
    return Models(
        ontology=types.version,
        infos=tuple(infos),
        taxonomy=types,
        lexicons=lexicons,
        scorers=scoring.read(learned),
        weighers=parts.read(learned),
        media=frozenset(line.casefold() for line in media.splitlines() if line and not line.startswith("#")),
    )


def find(
    document: Document,
    entities: tuple[Entity, ...],
    *,
    language: str,
    article_id: str,
    models: Models,
    signs: Sequence[Sign] = (),
    gists: Sequence[Gist] = (),
    reader: str | None = None,
    threshold: float | None = None,
    year: int | None = None,
) -> tuple[NewsEvent, ...]:
    """The events of an article; none in a language without a lexicon, or below the threshold.

    Args:
        document: clean text.
        entities: who may take part.
        language: code of its language.
        article_id: event ids are derived from it.
        models: from `load`.
        signs: what the encoder saw, in the order of the text.
        gists: what it makes of the sentences as a whole.
        reader: the engine that looked for signs, whether it saw any or not; None where the lexicons speak alone.
        threshold: least confidence; None means the measured one.
        year: the one in which the article appeared: what it dates long before is history.

    """
    known = models.lexicons.get(language)
    if known is None:
        return ()
    read_by = reader or "lexicon"
    scorer, weigher = models.scorers[read_by], models.weighers.get(read_by)
    least = scorer.threshold if threshold is None else threshold
    sure = [
        (one, scorer.confidence(one.features))
        for one in candidates.read(document, entities, signs, gists, known=known, media=models.media, year=year)
    ]
    found = [_found(one, confidence, weigher) for one, confidence in _strongest(sure) if confidence >= least]
    return merging.merge(found, article_id=article_id, taxonomy=models.taxonomy, method=METHOD)


def _strongest(sure: list[tuple[candidates.Candidate, float]]) -> list[tuple[candidates.Candidate, float]]:
    """Of candidates that share words the one of which we are most sure."""
    kept: list[tuple[candidates.Candidate, float]] = []
    for one, confidence in sure:
        field, (start, end) = one.sentence.field, one.span
        while kept and kept[-1][0].sentence.field == field and kept[-1][0].span[1] > start and kept[-1][0].span[0] < end:
            if kept[-1][1] >= confidence:
                break
            kept.pop()
        else:
            kept.append((one, confidence))
    return kept


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


def told(one: candidates.Candidate) -> EventType:
    """The type that a candidate is said to be, its modality considered."""
    return modality.actual(one.match.entry.type, one.modality)


def _found(one: candidates.Candidate, sure: float, weigher: parts.Weigher | None) -> merging.Found:
    """An event that is said; who takes part in it is weighed where an encoder has read the words, else the rules'."""
    roles = one.roles if weigher is None else weigher.assign(one)
    start, end = one.span
    sentence = one.sentence
    evidence = Evidence(
        field=sentence.field, start=sentence.start, end=sentence.end, text=sentence.text, trigger=Trigger(start=start, end=end)
    )

    def ids(parties: tuple[people.Party, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(who for party in parties for who in party.ids))

    actors = ids(roles.actors)
    return merging.Found(
        type=told(one),
        mode=one.match.entry.mode,
        modality=one.modality,
        confidence=sure,
        actors=actors,
        recipients=tuple(who for who in ids(roles.recipients) if who not in actors),
        locations=ids(roles.places),
        evidence=evidence,
        word=one.match.entry.pattern,
    )
