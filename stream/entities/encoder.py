"""The bundled encoder: names, and signs of events, for the segments of a text, window by window."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stream.entities import bio
from stream.entities.pieces import Pieces
from stream.entities.segments import Segment

_WINDOW = 126
"""Pieces that are read together: what the encoder was trained with."""

_REMEMBERED = 1024
"""Windows whose scores are kept: articles repeat their paragraphs, agencies their articles."""

_READ_AT_LEAST, _CHARACTERS = 64, 300
"""Windows that are read of any text, and one more for so many characters of it: twice what words need, in any language of
the service. Text that is denser is no text (marks, letters one by one), and reading all of it could take until the deadline."""

_BEGIN, _END = 0, 2
HEADS = ("names", "events", "modalities", "roles", "told", "weighing")
"""The order of their scores."""
HEAVIEST = 10.0
"""Logarithm of what a word may weigh in its sentence."""
_SENTENCE_ENDS = frozenset(".!?…")
_LEAST = 0.03
"""Probability of an event, or of a part in one, below which a word is no sign of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the encoder says of a text."""

    tags: list[str]
    """One BIO tag for each segment."""
    signs: list[tuple[int, list[float], list[float], list[float]]]
    """Segments that may tell of an event: number, probabilities of the types, of the modalities, of being actor and recipient."""
    votes: list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]
    """Of each window: its first segment, then what each segment says that its sentence is about (segments by log odds of types
    and fields of life), and what weight that has (segments)."""


class Encoder:
    """A token classifier; what it says of a window depends on that window alone, never on what it read before."""

    def __init__(self, folder: Path, engine: str) -> None:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        self._labels: tuple[str, ...] = tuple(meta["labels"])
        self._columns = _columns(meta.get("heads", {"names": len(self._labels)}))
        self._pieces = Pieces(folder)
        self._session = session(folder / f"{engine}.int8.onnx")
        width, heads = self._session.get_outputs()[0].shape[-1], max(column.stop for column in self._columns.values())
        if width != heads:
            raise ValueError(f"{folder}: meta.json describes {heads} scores of a word, {engine} gives {width}")
        self._scores: OrderedDict[tuple[int, ...], NDArray[np.float32]] = OrderedDict()

    def read(self, segments: Sequence[Segment]) -> Reading:
        """Names and signs of events."""
        reading = Reading(["O"] * len(segments), [], [])
        ids = [self._pieces.ids(segment) for segment in segments]
        signs = "events" in self._columns
        left = most_windows(segments)
        for first, last in _windows(segments, ids):
            if not left:
                break
            if not any(map(self._can_begin_a_name, segments[first:last], ids[first:last])):
                continue
            left -= 1
            scores = self._read(ids[first:last])
            best = bio.decode(self._head(scores, "names"), self._labels)
            reading.tags[first:last] = [self._labels[index] for index in best]
            if signs:
                reading.signs.extend(self._signs(first, scores, best))
            if "told" in self._columns:
                weights = np.exp(np.clip(self._head(scores, "weighing")[:, 0], -HEAVIEST, HEAVIEST))
                reading.votes.append((first, self._head(scores, "told"), weights))
        return reading

    def _head(self, scores: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return scores[:, self._columns[name]]

    def _can_begin_a_name(self, segment: Segment, ids: Sequence[int]) -> bool:
        """Whether a letter is there that is not lower case, and that can be read."""
        return _has_capital(segment.text) and self._pieces.knows(ids)

    def _signs(
        self, first: int, scores: NDArray[np.float32], names: Sequence[int]
    ) -> Iterator[tuple[int, list[float], list[float], list[float]]]:
        types = _softmax(self._head(scores, "events"))[:, 1:]
        real = _softmax(self._head(scores, "modalities"))
        parts = 1 / (1 + np.exp(-self._head(scores, "roles")))
        telling = types.sum(axis=1) >= _LEAST
        taking_part = (parts.max(axis=1) >= _LEAST) & (np.asarray(names) > 0)
        chosen = np.flatnonzero(telling | taking_part)
        yield from zip(
            (first + chosen).tolist(), types[chosen].tolist(), real[chosen].tolist(), parts[chosen].tolist(), strict=True
        )

    def _read(self, ids: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """Scores of the labels (segments by labels): those of the first piece of each segment."""
        flat = [_BEGIN]
        firsts = []
        for some in ids:
            firsts.append(len(flat))
            flat += some
        flat.append(_END)
        key = tuple(flat)
        scores = self._scores.get(key)
        if scores is None:
            # One window at a time: activations are quantised over all that is read together, so that neighbours in a batch
            # would change each other's scores, and a batch is no faster on one core.
            logits: NDArray[np.float32] = self._session.run(None, {"ids": np.array([flat], dtype=np.int64)})[0]
            scores = self._scores[key] = logits[0][firsts]
            if len(self._scores) > _REMEMBERED:
                self._scores.popitem(last=False)
        self._scores.move_to_end(key)
        return scores


def _columns(sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where the scores of each head stand; raises `ValueError` for a head that nobody knows."""
    if unknown := set(sizes) - set(HEADS):
        raise ValueError(f"unknown heads: {', '.join(sorted(unknown))}")
    found, first = {}, 0
    for name in HEADS:
        if name in sizes:
            found[name] = slice(first, first + sizes[name])
            first += sizes[name]
    return found


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    raised: NDArray[np.float32] = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def most_windows(segments: Sequence[Segment]) -> int:
    """How many windows of a text are read; those that follow have no names."""
    return _READ_AT_LEAST + (segments[-1].end // _CHARACTERS if segments else 0)


def _has_capital(segment: str) -> bool:
    """Whether a letter is there that is not lower case: a capital, or one of a script that has no case."""
    return not segment.islower() and any(letter.isalpha() and not letter.islower() for letter in segment)


def _windows(segments: Sequence[Segment], ids: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Runs of segments of at most `_WINDOW` pieces, cut where a sentence ends if one ends in the second half."""
    first = 0
    while first < len(segments):
        last, total, cut = first, 0, 0
        while last < len(segments) and total + len(ids[last]) <= _WINDOW:
            total += len(ids[last])
            last += 1
            if total > _WINDOW // 2 and segments[last - 1].text in _SENTENCE_ENDS:
                cut = last
        if last < len(segments) and cut:
            last = cut
        yield first, last
        first = last


def session(path: Path) -> onnxruntime.InferenceSession:
    """A graph ready to run, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the pool has one process for each core
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
