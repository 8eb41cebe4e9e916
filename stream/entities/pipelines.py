"""spaCy pipelines that users have installed, with everything left out that names do not need, and their labels mapped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from thinc.api import NumpyOps, set_current_ops

from stream.entities import component
from stream.records import Engine, EntityType, ModelInfo

_LABELS = {
    **dict.fromkeys(("PER", "PERSON", "persName", "PERS", "PRS"), EntityType.PER),
    **dict.fromkeys(("ORG", "orgName", "CORP", "ORGANIZATION"), EntityType.ORG),
    **dict.fromkeys(("LOC", "GPE", "FAC", "placeName", "geogName", "LOCATION", "GPE_LOC", "GPE_ORG"), EntityType.LOC),
    **dict.fromkeys(("MISC", "EVENT", "WORK_OF_ART", "PRODUCT", "LAW", "EVT", "PROD"), EntityType.MISC),
}
"""What the labels of published pipelines mean here; numbers, dates, nationalities and the like are no entities."""

_RECOGNISERS = ("ner", "entity_ruler", "span_ruler", "beam_ner")


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """A pipeline that sets ``doc.ents``."""

    nlp: Language
    info: ModelInfo
    engine: Engine | None = None
    """The bundled engine, which looks for signs of events too; None for a pipeline of the user's."""


def entity_type(label: str) -> EntityType | None:
    """What a label means; None where it names nothing that an entity is."""
    return _LABELS.get(label)


def bundled(folder: Path, *, engine: Engine) -> Pipeline:
    """The pipeline that comes with the service; its name, version and sum stand in its own description."""
    meta = json.loads((folder / "meta.json").read_bytes())
    name = meta["name"] if engine == "accurate" else f"{meta['name']}_{engine}"
    info = ModelInfo(name=name, version=meta["version"], sha256=meta["sha256"][f"{engine}.int8.onnx"])
    return Pipeline(component.load(folder, engine=engine), info, engine)


def installed(name: str, *, language: str) -> Pipeline:
    """An installed spaCy package, or the folder of one; raises `ValueError` where it cannot be used."""
    set_current_ops(NumpyOps(use_blis=False))  # the generic kernels of blis are slower; see the decision
    try:
        nlp = spacy.load(name)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"NER_MODELS: the pipeline {name!r} for {language!r} cannot be loaded: {first}") from error
    kept = _needed(nlp)
    if not kept:
        raise ValueError(f"NER_MODELS: the pipeline {name!r} for {language!r} recognises no names: it has {nlp.pipe_names}")
    for pipe in nlp.pipe_names:
        if pipe not in kept:
            nlp.disable_pipe(pipe)
    meta: dict[str, Any] = nlp.meta
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True, default=str).encode()).hexdigest()
    return Pipeline(nlp, ModelInfo(name=f"{meta['lang']}_{meta['name']}", version=str(meta["version"]), sha256=digest))


def _needed(nlp: Language) -> set[str]:
    """The components that recognise names, and the embeddings that they listen to."""
    recognisers = {pipe for pipe in nlp.pipe_names if any(pipe.startswith(kind) for kind in _RECOGNISERS)}
    recognisers |= {pipe for pipe in nlp.pipe_names if "doc.ents" in nlp.get_pipe_meta(pipe).assigns}
    if not recognisers:
        return set()
    return recognisers | {name for name, pipe in nlp.pipeline if _is_heard(name, pipe, recognisers)}


def _is_heard(name: str, pipe: object, recognisers: set[str]) -> bool:
    """Whether a shared embedding is one that a recogniser listens to: many have an embedding of their own."""
    if name not in ("tok2vec", "transformer"):
        return False
    listening = getattr(pipe, "listening_components", None)
    return listening is None or not recognisers.isdisjoint(listening)
