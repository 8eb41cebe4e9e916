"""From the scores of BIO labels to spans, never an ``I-`` without its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_FORBIDDEN = np.float32(-1e4)


def _follows(before: str, after: str) -> bool:
    return after[0] != "I" or before[1:] == after[1:]


def _transitions(labels: Sequence[str]) -> NDArray[np.float32]:
    allowed = [[0.0 if _follows(before, after) else _FORBIDDEN for after in labels] for before in labels]
    return np.array(allowed, dtype=np.float32)


def decode(scores: NDArray[np.float32], labels: Sequence[str]) -> list[int]:
    """The best sequence of labels (Viterbi) for `scores` (segments by labels)."""
    if not len(scores):
        return []
    greedy: list[int] = scores.argmax(axis=1).tolist()
    names = ["O", *(labels[index] for index in greedy)]
    if all(_follows(before, after) for before, after in pairwise(names)):
        return greedy
    transitions = _transitions(labels)
    total = scores[0] + transitions[labels.index("O")]
    back = []
    for row in scores[1:]:
        paths = total[:, None] + transitions
        best = paths.argmax(axis=0)
        back.append(best)
        total = paths[best, np.arange(len(labels))] + row
    path = [int(total.argmax())]
    for best in reversed(back):
        path.append(int(best[path[-1]]))
    return path[::-1]


def spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """``(first, last + 1, type)`` of every name in a valid sequence of tags."""
    found = []
    start = None
    for index, (tag, after) in enumerate(pairwise([*tags, "O"])):
        if tag[0] == "B":
            start = index
        if start is not None and after[0] != "I":
            found.append((start, index + 1, tag[2:]))
            start = None
    return found
