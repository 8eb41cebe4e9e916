"""Text cut into the units that the encoder reads: words, and punctuation marks one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEGMENT = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or a punctuation mark; `glued` when nothing stands between it and the segment before."""

    start: int
    end: int
    text: str
    glued: bool


def split(text: str) -> list[Segment]:
    """Every word and punctuation mark of `text` in order; only white space lies between them."""
    segments = []
    end = -1
    for match in _SEGMENT.finditer(text):
        start = match.start()
        glued = start == end
        end = match.end()
        segments.append(Segment(start, end, match.group(), glued))
    return segments
