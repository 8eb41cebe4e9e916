"""The ids of subword pieces that the encoder knows, for one segment at a time: the likeliest way to cut it up.

The pieces are those of a unigram model (Kudo 2018): each has a logarithm of its probability, and of all ways to write a segment
with pieces the one of the greatest sum is taken. The library `tokenizers` does the same a little faster, which nobody notices,
since words are remembered; but its tree of 75,000 pieces takes 60 MB in every process, and a dictionary 13.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Sequence
from pathlib import Path

from stream.entities.segments import Segment

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_LONGEST = 12
"""Pieces of one segment that are read: what the encoder was trained with."""

_REMEMBERED = 50_000
"""Segments whose ids are kept: news repeats its words."""

_PENALTY = 10.0
"""By so much an unknown character is less likely than the least likely piece."""


class Pieces:
    """Ids of the pieces of a segment: a word with a space in front, a glued punctuation mark without."""

    def __init__(self, folder: Path) -> None:
        model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        self._unknown: int = model["unk_id"]
        self._ids = {piece: number for number, (piece, _) in enumerate(model["vocab"])}
        self._scores = array("d", (score for _, score in model["vocab"]))
        self._reach: dict[str, int] = {}
        for piece in self._ids:
            self._reach[piece[:2]] = max(self._reach.get(piece[:2], 1), len(piece))
        self._unlikely = min(self._scores) - _PENALTY
        self._mute = frozenset((self._unknown, self._ids[_SPACE]))
        self._normal = str.maketrans(json.loads((folder / "normalise.json").read_text(encoding="utf-8")))
        self._known: dict[tuple[str, bool], tuple[int, ...]] = {}

    def ids(self, segment: Segment) -> tuple[int, ...]:
        """At least one id, at most twelve."""
        spaced = not segment.glued or segment.text[0].isalnum()
        key = (segment.text, spaced)
        ids = self._known.get(key)
        if ids is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            ids = self._known[key] = self._tokenise(segment.text, spaced=spaced)
        return ids

    def knows(self, ids: Sequence[int]) -> bool:
        """Whether any piece of a segment is in the vocabulary: none is in Greek, Arabic, Chinese."""
        return not self._mute.issuperset(ids)

    def _tokenise(self, text: str, *, spaced: bool) -> tuple[int, ...]:
        normal = text.translate(self._normal).replace(" ", "") or text
        whole = _SPACE + normal if spaced else normal
        number = self._ids.get(whole) if whole[-1].isalnum() else None
        if number is not None:
            return (number,)  # a word that is a piece is never likelier in parts: a test looks at all of them
        return tuple(self._cut(whole)[:_LONGEST])

    def _cut(self, text: str) -> list[int]:
        """Ids of the likeliest pieces; an unknown character is a piece of its own (the encoder was trained so)."""
        size = len(text)
        best = [0.0] + [-math.inf] * size
        """The greatest sum of what ends at a place."""
        last = [0] * (size + 1)
        """The id of the last piece of it."""
        begins = [0] * (size + 1)
        """Where that begins."""
        known, scores, reach = self._ids.get, self._scores, self._reach.get
        for start in range(size):
            before = best[start]
            alone = before + self._unlikely
            if alone > best[start + 1] and text[start] not in self._ids:
                best[start + 1], last[start + 1], begins[start + 1] = alone, self._unknown, start
            for end in range(start + 1, min(start + reach(text[start : start + 2], 1), size) + 1):
                number = known(text[start:end])
                if number is not None and before + scores[number] > best[end]:
                    best[end], last[end], begins[end] = before + scores[number], number, start
        ids = []
        while size:
            ids.append(last[size])
            size = begins[size]
        return ids[::-1]
