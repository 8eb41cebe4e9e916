"""The bundled encoder as an ordinary spaCy pipeline: ``nlp(text).ents``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
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


READ = "newsstream_read"
"""Key in ``doc.user_data`` of signs of events and of votes."""

Name = tuple[int, int, str]
"""Start and end, in code points, and label."""

Sign = tuple[int, int, list[float], list[float], list[float]]
"""Start and end, and the probabilities of types, of modalities, of being actor and recipient."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What each word of a text says that its sentence is about."""

    starts: NDArray[np.int64]
    """Where the words begin."""
    weights: NDArray[np.float32]
    """What their votes count; 0 for a word that was not read."""
    odds: NDArray[np.float32]
    """Log odds of event types and fields of life (words by both)."""

    def of(self, sentences: Sequence[tuple[int, int]]) -> list[tuple[float, ...] | None]:
        """Probabilities for each span of the text; None where less than half of its words were read."""
        if not sentences:
            return []
        firsts, lasts = np.searchsorted(self.starts, np.array(sentences)).T
        columns = np.column_stack((self.weights > 0, self.weights, self.odds * self.weights[:, None])).astype(np.float64)
        sums = np.vstack((np.zeros(columns.shape[1]), columns.cumsum(axis=0)))
        within = sums[lasts] - sums[firsts]
        read = within[:, 0] * 2 >= np.maximum(lasts - firsts, 1)
        shares = 1 / (1 + np.exp(-within[:, 2:] / np.maximum(within[:, 1:2], 1e-9)))
        return [tuple(share) if enough else None for share, enough in zip(shares.tolist(), read.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Read:
    """What the encoder makes of a text."""

    names: list[Name]
    signs: list[Sign]
    votes: Votes | None


class Names:
    """Sets ``doc.ents`` to the names that the encoder reads in a document; the rest goes into ``doc.user_data``, to be `kept`."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, doc: Doc) -> Doc:
        """`doc` itself, its entities set."""
        read = self.read(doc.text)
        # lists and arrays, which spaCy writes with the document
        doc.user_data[READ] = [read.signs, read.votes and [read.votes.starts, read.votes.weights, read.votes.odds]]
        found = [doc.char_span(start, end, label=kind) for start, end, kind in read.names]
        doc.ents = filter_spans([span for span in found if span is not None])
        return doc

    def read(self, text: str) -> Read:
        """The same of a text, without a document around it."""
        units = segments.split(text)
        reading = self._encoder.read(units)
        names = [(units[first].start, units[last - 1].end, kind) for first, last, kind in bio.spans(reading.tags)]
        signs = [
            (units[number].start, units[number].end, types, modalities, parts)
            for number, types, modalities, parts in reading.signs
        ]
        return Read(names, signs, _votes(units, reading.votes))


def kept(doc: Doc) -> tuple[list[Sign], Votes | None]:
    """What `Names` put into a document beside its entities; nothing where it was not in the pipeline."""
    signs, votes = doc.user_data.get(READ, ([], None))
    return signs, votes and Votes(*votes)


def _votes(units: list[segments.Segment], blocks: list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]) -> Votes | None:
    if not blocks:
        return None
    weights = np.zeros(len(units), np.float32)
    odds = np.zeros((len(units), blocks[0][1].shape[1]), np.float32)
    for first, told, weight in blocks:
        weights[first : first + len(weight)] = weight
        odds[first : first + len(weight)] = told
    return Votes(np.array([unit.start for unit in units]), weights, odds)


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
