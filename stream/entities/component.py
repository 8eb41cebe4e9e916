"""The bundled encoder as an ordinary spaCy pipeline: ``nlp(text).ents``."""

from __future__ import annotations

import re
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
"""Key in ``doc.user_data`` of all that the encoder read."""

Name = tuple[int, int, str]
"""Start and end, in code points, and label."""

Sign = tuple[int, int, list[float], list[float], list[float]]
"""Start and end, and the probabilities of types, of modalities, of being actor and recipient."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What the words of a text say of their sentences: pooled by `of`."""

    starts: NDArray[np.int64]
    weights: NDArray[np.float64]
    """Sums of the weights of all words before each word, and of all."""
    votes: NDArray[np.float64]
    """The same of log odds times weight (words + 1 by types and fields of life)."""

    def of(self, start: int, end: int) -> tuple[float, ...] | None:
        """Probabilities for the words from `start` to before `end`; None where none was read."""
        first, last = np.searchsorted(self.starts, (start, end))
        weight = self.weights[last] - self.weights[first]
        if not weight > 0:
            return None
        odds = (self.votes[last] - self.votes[first]) / weight
        return tuple((1 / (1 + np.exp(-odds))).tolist())


@dataclass(frozen=True, slots=True)
class Read:
    """What the encoder makes of a text."""

    names: list[Name]
    signs: list[Sign]
    votes: Votes | None


class Names:
    """Sets ``doc.ents`` to the names that the encoder reads in a document, and puts all that it reads into ``doc.user_data``."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, doc: Doc) -> Doc:
        """`doc` itself, its entities set."""
        doc.user_data[READ] = read = self.read(doc.text)
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


def _votes(units: list[segments.Segment], blocks: list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]) -> Votes | None:
    if not blocks:
        return None
    starts = [units[first + at].start for first, _, weights in blocks for at in range(len(weights))]
    weights = np.concatenate([weights for _, _, weights in blocks]).astype(np.float64)
    votes = np.concatenate([votes for _, votes, _ in blocks]) * weights[:, None]
    return Votes(np.array(starts), np.append(0.0, weights.cumsum()), np.vstack((np.zeros(votes.shape[1]), votes.cumsum(axis=0))))


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
