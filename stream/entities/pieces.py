"""The ids of subword pieces that the encoder knows, for one segment at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, models

from stream.entities.segments import Segment

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_LONGEST = 12
"""Pieces of one segment that are read: what the encoder was trained with."""

_REMEMBERED = 50_000
"""Segments whose ids are kept: news repeats its words."""


class Pieces:
    """Ids of the pieces of a segment: a word with a space in front, a glued punctuation mark without."""

    def __init__(self, folder: Path) -> None:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._model: models.Unigram = tokenizer.model
        self._unknown = tokenizer.token_to_id("<unk>")
        self._mute = frozenset((self._unknown, tokenizer.token_to_id(_SPACE)))
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
        ids: list[int] = []
        # The library joins neighbouring unknown characters; the encoder was trained on one id for each of them.
        for token in self._model.tokenize(_SPACE + normal if spaced else normal):
            ids += [token.id] * (len(token.value) if token.id == self._unknown else 1)
        return tuple(ids[:_LONGEST])
