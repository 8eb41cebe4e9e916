"""A spaCy pipeline like the small ones that everybody starts with: ``python -m bench.stock FOLDER``.

The published ones may not be had from a package index, so this one is built with their architecture (a shared tok2vec of width
96 and depth 4, a morphologizer, a lemmatizer, a parser, a recogniser of names). Names are learnt from the French sentences of
the project's corpus in half a minute; morphology, lemmas and syntax keep their first, random weights, which cost as much to
compute as trained ones.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Token
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Config, fix_random_seed

from bench.corpus import ROOT
from stream.evaluation import corpus

_SEED = 1
_EPOCHS = 10
_BATCH = 32
_MORPHS, _DEPENDENCIES = 180, 42
"""Labels of the published French pipeline, in round numbers."""

_EMBEDDING = """[components.{at}]
@architectures = "spacy.Tok2Vec.v2"
[components.{at}.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 96
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE"]
rows = [5000, 1000, 2500, 2500]
include_static_vectors = false
[components.{at}.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = 96
depth = 4
window_size = 1
maxout_pieces = 3
"""
_LISTENER = """[components.{at}]
@architectures = "spacy.Tok2VecListener.v1"
width = 96
"""
_TAGGER = """
[components.{name}]
factory = "{factory}"
[components.{name}.model]
@architectures = "spacy.Tagger.v2"
"""
_PARSER = """
[components.{name}]
factory = "{name}"
[components.{name}.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "{name}"
extra_state_tokens = false
hidden_width = 64
maxout_pieces = 2
use_upper = true
"""
_CONFIG = "".join(
    (
        """
[nlp]
lang = "fr"
pipeline = ["tok2vec", "morphologizer", "parser", "lemmatizer", "ner"]

[components]

[components.tok2vec]
factory = "tok2vec"
""",
        _EMBEDDING.format(at="tok2vec.model"),
        _TAGGER.format(name="morphologizer", factory="morphologizer"),
        _LISTENER.format(at="morphologizer.model.tok2vec"),
        _TAGGER.format(name="lemmatizer", factory="trainable_lemmatizer"),
        _LISTENER.format(at="lemmatizer.model.tok2vec"),
        _PARSER.format(name="parser"),
        _LISTENER.format(at="parser.model.tok2vec"),
        _PARSER.format(name="ner"),
        _EMBEDDING.format(at="ner.model.tok2vec"),
    )
)


def build(folder: Path) -> None:
    """Write the pipeline, with its package's name and licence, into a folder that `spacy.load` reads."""
    fix_random_seed(_SEED)
    nlp: Language = load_model_from_config(Config().from_str(_CONFIG), auto_fill=True)
    for number in range(_MORPHS):
        nlp.get_pipe("morphologizer").add_label(f"Number=N{number}|POS=NOUN")  # type: ignore[attr-defined]
    for number in range(_DEPENDENCIES):
        nlp.get_pipe("parser").add_label(f"dep{number}")  # type: ignore[attr-defined]
    sentences = [one for one in corpus.read(ROOT / "training" / "corpus" / "fr.txt") if one.part == "training"]
    examples = []
    for one in sentences:
        doc = nlp.make_doc(one.text)
        told = {"entities": [(name.start, name.end, name.type) for name in one.mentions], "lemmas": [_stem(word) for word in doc]}
        examples.append(Example.from_dict(doc, told))
    optimizer = nlp.initialize(lambda: examples)
    chance = random.Random(_SEED)
    with nlp.select_pipes(enable=["ner"]):
        for _ in range(_EPOCHS):
            chance.shuffle(examples)
            for first in range(0, len(examples), _BATCH):
                nlp.update(examples[first : first + _BATCH], sgd=optimizer, drop=0.2)
    nlp.meta.update({"name": "bench_small", "version": "1", "license": "Apache-2.0"})
    nlp.to_disk(folder)


def _stem(word: Token) -> str:
    """Something that stands for a lemma, so that the lemmatizer has edits to choose from."""
    return word.lower_.removesuffix("s").removesuffix("e")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
