"""The bundled encoder as an ordinary spaCy pipeline: ``nlp(text).ents``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans
from spacy.vocab import Vocab

from stream.entities import bio, segments
from stream.entities.encoder import Encoder

FACTORY = "news_entities_encoder"

_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")


class Tokenizer:
    """Words and punctuation marks, so that ``dell'Ucraina`` is three tokens and every name that is found is a span."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """The tokens of `text`, which keep it to the last character."""
        words: list[str] = []
        spaces: list[bool] = []
        for match in _TOKEN.finditer(text):
            word = match.group()
            if word[0] == " " and words:
                spaces[-1] = True
                word = word[1:]
            if word:
                words.append(word)
                spaces.append(False)
        return Doc(self.vocab, words=words, spaces=spaces)

    def to_bytes(self, **_: Any) -> bytes:
        """Nothing: the rule is this class."""
        return b""

    def from_bytes(self, _data: bytes, **_options: Any) -> Tokenizer:
        """Read nothing."""
        return self

    def to_disk(self, _path: Path | str, **_options: Any) -> None:
        """Write nothing."""

    def from_disk(self, _path: Path | str, **_options: Any) -> Tokenizer:
        """Read nothing."""
        return self


SIGNS = "newsstream_signs"
"""Key in ``doc.user_data`` of the signs of events."""

Name = tuple[int, int, str]
"""Start and end, in code points, and label."""

Sign = tuple[int, int, list[float], list[float], list[float]]
"""Start and end, and the probabilities of types, of modalities, of being actor and recipient."""


class Names:
    """Sets ``doc.ents`` to the names that the encoder reads in a document, and puts signs of events into ``doc.user_data``."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, doc: Doc) -> Doc:
        """`doc` itself, its entities set."""
        names, doc.user_data[SIGNS] = self.read(doc.text)
        found = [doc.char_span(start, end, label=kind) for start, end, kind in names]
        doc.ents = filter_spans([span for span in found if span is not None])
        return doc

    def read(self, text: str) -> tuple[list[Name], list[Sign]]:
        """The same of a text, without a document around it."""
        units = segments.split(text)
        reading = self._encoder.read(units)
        names = [(units[first].start, units[last - 1].end, kind) for first, last, kind in bio.spans(reading.tags)]
        return names, [
            (units[number].start, units[number].end, types, modalities, parts)
            for number, types, modalities, parts in reading.signs
        ]


@Language.factory(FACTORY, assigns=["doc.ents"])
def _names(nlp: Language, name: str, folder: str, engine: str) -> Names:  # noqa: ARG001
    return Names(Encoder(Path(folder), engine))


def load(folder: Path, *, engine: str) -> Language:
    """The pipeline whose encoder lies in `folder`: all its layers (``accurate``) or the few of the student (``fast``)."""
    # An empty vocabulary: that of the language works out shape, prefix and more of every new word, and nothing reads them.
    nlp = spacy.blank("xx", vocab=Vocab())
    nlp.tokenizer = Tokenizer(nlp.vocab)
    nlp.add_pipe(FACTORY, config={"folder": str(folder), "engine": engine})
    return nlp
