"""How often plain prose is taken for an event: ``alarms.py FILE LANGUAGE [COUNT]``, one sentence a line."""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path

from measure import predict

from stream import events
from stream.records import Modality


def main(file: str, language: str, count: str = "1500") -> None:
    """Print the share of sentences with an asserted event, and some of them."""
    models = events.load()
    lines = [line.strip() for line in Path(file).read_text("utf-8").splitlines() if len(line) > 40][: int(count)]
    said: collections.Counter[str] = collections.Counter()
    shown = []
    began = time.process_time()
    for line in lines:
        one = predict(line, models, language)
        if one is None or one.modality is not Modality.ASSERTED:
            continue
        said[one.type.value] += 1
        trigger = one.evidence[0].trigger
        shown.append(f"{one.type} {one.confidence} [{line[trigger.start : trigger.end]}] {line[:170]}")
    spent = time.process_time() - began
    print(
        language, len(lines), f"asserted {sum(said.values()) / len(lines):.3f}", f"{1000 * spent / len(lines):.2f} ms", dict(said)
    )
    print("\n".join(shown[:: max(1, len(shown) // 25)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
