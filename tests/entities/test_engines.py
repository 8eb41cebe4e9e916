"""Two engines behind one setting: both read, both are what their description says, and they share their largest file."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import spacy

from stream import entities, outcome, pipeline, text
from stream.entities import pipelines
from stream.records import Engine

pytestmark = pytest.mark.models

ENGINES: tuple[Engine, ...] = get_args(Engine)
BUDGET = 60 * 1000 * 1000
"""Bytes that all bundled models and lexicons may have together."""
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
    assert sum(path.stat().st_size for path in entities.ASSETS.parent.rglob("*") if path.is_file()) < BUDGET


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
