"""Who and what is mentioned, and where; mentions merged into entities, linked to ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream.entities import elsewhere, mentions, merging, pipelines
from stream.entities.gazetteer import Gazetteer
from stream.records import Document, Engine, Entity, FieldName, Gist, ModelInfo, Sign

ASSETS = Path(__file__).parents[1] / "assets" / "entities"
BUNDLED = ASSETS / "news_entities_xx"
ANY = "xx"
"""The language code under which the pipeline for every other language is named."""


@dataclass(frozen=True, slots=True)
class Models:
    """The pipelines by language, and the names that are known."""

    by_language: Mapping[str, pipelines.Pipeline]
    other: pipelines.Pipeline
    gazetteer: Gazetteer

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """Name, version and sha256 of each pipeline, and of the lists of names."""
        loaded = {id(one): one.info for one in (self.other, *self.by_language.values())}
        return (*loaded.values(), self.gazetteer.info, self.gazetteer.cities.info, elsewhere.info())

    def pipeline(self, language: str) -> pipelines.Pipeline:
        """The pipeline for a language."""
        return self.by_language.get(language, self.other)


def load(*, pipelines: Mapping[str, str], engine: Engine = "accurate", bundled: Path = BUNDLED) -> Models:
    """Load the bundled pipeline and those that the user names.

    Args:
        bundled: folder of the encoder, for those who train another.
        engine: all layers of the bundled encoder, or its small student.
        pipelines: language code to the name of an installed spaCy package, or the path of one; ``xx`` replaces the
            bundled pipeline.

    Raises:
        ValueError: a pipeline cannot be loaded, or recognises no names; the message says which.

    """
    chosen = {language: _installed(language, name) for language, name in pipelines.items()}
    other = chosen.pop(ANY, None) or _bundled(bundled, engine)
    return Models(by_language=chosen, other=other, gazetteer=Gazetteer.load(ASSETS / "gazetteer.tsv"))


def _installed(language: str, name: str) -> pipelines.Pipeline:
    return pipelines.installed(name, language=language)


def _bundled(folder: Path, engine: Engine) -> pipelines.Pipeline:
    return pipelines.bundled(folder, engine=engine)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass over an article found."""

    entities: tuple[Entity, ...]
    """The most salient first."""
    signs: tuple[Sign, ...]
    """Words that may tell of events, for the step after this."""
    gists: tuple[Gist, ...] = ()
    """What the sentences as a whole may tell of, for the same."""
    engine: Engine | None = None
    """Which engine looked for them; None where the pipeline does not."""


def read(document: Document, *, language: str, article_id: str, models: Models) -> Reading:
    """The entities of an article, and the signs of events that the same pass saw.

    Args:
        document: clean text; only what lies in its sentences is read, so furniture is never a mention.
        language: code of its language.
        article_id: entity ids are derived from it.
        models: from `load`.

    """
    chosen = models.pipeline(language)
    tagged = [
        mentions.tag(
            chosen.nlp, text, field=field, sentences=[(one.start, one.end) for one in document.sentences if one.field == field]
        )
        for field, text in _readable(document)
    ]
    known = elsewhere.extended(models.gazetteer, language)
    found = [named for one in tagged for named in mentions.read(one, language=language, gazetteer=known)]
    return Reading(
        entities=merging.entities(found, document=document, language=language, article_id=article_id, gazetteer=known),
        signs=tuple(sign for one in tagged for sign in one.signs),
        gists=tuple(gist for one in tagged for gist in one.gists),
        engine=chosen.engine,
    )


def find(document: Document, *, language: str, article_id: str, models: Models) -> tuple[Entity, ...]:
    """The entities alone; see `read`."""
    return read(document, language=language, article_id=article_id, models=models).entities


def _readable(document: Document) -> Iterator[tuple[FieldName, str]]:
    """Title and text, each of its own length, with everything that is in no sentence blanked out."""
    if document.title:
        yield "title", document.title
    pieces = []
    end = 0
    for sentence in document.sentences:
        if sentence.field == "text":
            gap = document.text[end : sentence.start]
            pieces.append("".join("\n" if character == "\n" else " " for character in gap))
            pieces.append(document.text[sentence.start : sentence.end])
            end = sentence.end
    yield "text", "".join(pieces)
