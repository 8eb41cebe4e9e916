"""Two engines behind one setting: both read, both are what their description says, and they share their largest file."""

from __future__ import annotations

import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import spacy

from stream import entities, outcome, pipeline, text
from stream.entities import component, pipelines
from stream.records import EVENT_TYPES, Engine, EventType

pytestmark = pytest.mark.models

ENGINES: tuple[Engine, ...] = get_args(Engine)
BUDGET = 45 * 1000 * 1000
"""Bytes that all bundled models and lexicons may have together, compressed as in a wheel or the layer of an image."""
STORY = (
    "BRUXELLES - Secondo Bloomberg, la NATO ha inviato armi all'Ucraina. Il presidente Donald Trump ha sentito Volodymyr "
    "Zelensky a Kiev. L'esercito russo ha bombardato Odessa."
)


@cache
def _models(engine: Engine) -> pipeline.Models:
    return pipeline.load(outcome.Options(engine=engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_finds_names_and_looks_for_signs_of_events(engine: Engine) -> None:
    """What nobody mistakes is found by either, on one pass with the signs of events."""
    document = text.clean(None, STORY)

    reading = entities.read(document, language="it", article_id="a", models=_models(engine).entities)

    found = {(entity.name, entity.type.value) for entity in reading.entities}
    assert {("NATO", "ORG"), ("Ucraina", "LOC"), ("Donald Trump", "PER"), ("Volodymyr Zelensky", "PER")} <= found
    assert reading.engine == engine
    assert any(sum(sign.types) > 0.5 and STORY[sign.start : sign.end] == "bombardato" for sign in reading.signs)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_reads_each_sentence_as_a_whole(engine: Engine) -> None:
    """The type of which it tells, and whether it is about sport."""
    told = "L'esercito russo ha bombardato il porto di Odessa, uccidendo due persone."
    sport = "Il Cesena ha battuto il Bari per tre a uno con una doppietta del centravanti Corvi nel secondo tempo."
    document = text.clean(None, f"{told}\n\n{sport}")

    gists = entities.read(document, language="it", article_id="a", models=_models(engine).entities).gists

    assert [document.text[gist.start : gist.end] for gist in gists] == [told, sport]
    assert EVENT_TYPES[max(range(len(EVENT_TYPES)), key=gists[0].types.__getitem__)] is EventType.ASSAULT
    assert gists[1].aside[0] > gists[0].aside[0]
    assert all(0 <= one <= 1 for gist in gists for one in (*gist.types, *gist.aside))


def test_the_words_of_a_sentence_vote_by_their_weight() -> None:
    """Log odds of 2 and of -1, the latter three times as heavy; a sentence that was not read says nothing."""
    votes = component.Votes(
        np.array([0, 5, 12]), np.array([1.0, 3.0, 0.0], np.float32), np.array([[2.0], [-1.0], [9.0]], np.float32)
    )

    first, unread, nothing = votes.of([(0, 12), (12, 20), (20, 30)])

    assert first == pytest.approx((1 / (1 + np.exp(0.25)),))
    assert unread is None
    assert nothing is None


def test_a_document_with_what_was_read_can_be_written() -> None:
    """As spaCy does between its processes."""
    nlp = _models("fast").entities.other.nlp

    doc = spacy.tokens.Doc(nlp.vocab).from_bytes(nlp(STORY).to_bytes())

    signs, votes = component.kept(doc)
    assert signs
    assert votes is not None
    assert votes.of([(0, len(STORY))])[0] is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_has_a_scorer_of_events_and_a_name_in_the_provenance(engine: Engine) -> None:
    """Confidences were learnt for each alone; records say which engine read."""
    models = _models(engine)

    assert engine in models.events.scorers
    assert [info.name for info in models.infos if info.name.startswith("news_entities_xx")] == [
        "news_entities_xx" if engine == "accurate" else f"news_entities_xx_{engine}"
    ]


def test_the_fast_engine_has_fewer_layers() -> None:
    """A fifth of the weights, beside the embeddings that both read from one file."""
    sizes = {engine: (entities.BUNDLED / f"{engine}.int8.onnx").stat().st_size for engine in ENGINES}

    assert sizes["fast"] < sizes["accurate"] / 3


def test_the_files_are_those_that_the_description_names() -> None:
    """Sums of all of them; each graph names the sum of the embeddings that it was trained with."""
    meta = json.loads((entities.BUNDLED / "meta.json").read_bytes())

    assert meta["sha256"] == {name: _sum(entities.BUNDLED / name) for name in meta["sha256"]}
    for engine in ENGINES:
        assert meta["sha256"]["words.int8.bin"].encode() in (entities.BUNDLED / f"{engine}.int8.onnx").read_bytes()


def test_all_bundled_assets_together_stay_small() -> None:
    """A wheel that anybody can fetch, an image that starts fast."""
    files = (path for path in entities.ASSETS.parent.rglob("*") if path.is_file())

    assert sum(len(zlib.compress(path.read_bytes())) for path in files) < BUDGET


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_embedding_to_which_no_recogniser_listens_is_left_out(tmp_path: Path) -> None:
    """The small published pipelines have one for their parser and one for names: half of the work for nothing."""
    nlp = spacy.blank("fr")
    nlp.add_pipe("tok2vec")
    tagger = nlp.add_pipe("tagger", config={"model": {"tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}}})
    tagger.add_label("X")  # type: ignore[attr-defined]
    nlp.add_pipe("ner").add_label("PER")  # type: ignore[attr-defined]
    nlp.initialize()
    nlp.to_disk(tmp_path / "small")

    kept = pipelines.installed(str(tmp_path / "small"), language="fr")

    assert kept.nlp.pipe_names == ["ner"]
