"""How often plain prose is taken for an event: ``python -m training.events.alarms FILE [COUNT]``, one sentence a line."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from stream.evaluation import running
from stream.outcome import Options
from stream.records import Modality

_SHORTEST = 40
_SHOWN = 25


def main(file: str, count: str = "1500") -> None:
    """Print the share of sentences whose strongest event is asserted, and some of them."""
    lines = [line.strip() for line in Path(file).read_text("utf-8").splitlines() if len(line) > _SHORTEST][: int(count)]
    said: Counter[str] = Counter()
    shown = []
    for line, article in zip(lines, running.enrich(lines, options=Options(), about="alarms"), strict=True):
        one = max(article.events, key=lambda event: event.confidence, default=None) if article is not None else None
        if one is None or one.modality is not Modality.ASSERTED:
            continue
        said[one.type.value] += 1
        evidence = one.evidence[0]
        trigger = evidence.text[evidence.trigger.start - evidence.start : evidence.trigger.end - evidence.start]
        shown.append(f"{one.type} {one.confidence} [{trigger}] {line[:170]}")
    print(f"{len(lines)} sentences, {said.total() / len(lines):.3f} with an asserted event: {dict(said)}")
    print("\n".join(shown[:: max(1, len(shown) // _SHOWN)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
