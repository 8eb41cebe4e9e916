"""Precision, recall and F1 of `stream.entities` on gold files: ``evaluate.py [--most N] GOLD.jsonl…`` (exact span and type)."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from stream import entities, text

TYPES = ("PER", "LOC", "ORG")


def main() -> None:
    """Measure and print one line a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--most", type=int, help="sentences of each file")
    parser.add_argument("--errors", type=int, default=0, help="errors to show of each file")
    chosen = parser.parse_args()
    models = entities.load(pipelines={})
    for path in chosen.gold:
        counts: Counter[str] = Counter()
        shown = 0
        started = time.process_time()
        for line in path.read_text(encoding="utf-8").splitlines()[: chosen.most]:
            row = json.loads(line)
            document = text.clean(None, row["text"])
            found = entities.find(document, language=row["lang"], article_id="x", models=models)
            said = {(m.start, m.end, e.type.value) for e in found for m in e.mentions}
            gold = {(start, end, kind) for start, end, kind in row["ents"] if kind in TYPES}
            for kind in TYPES:
                one_said, one_gold = {s for s in said if s[2] == kind}, {g for g in gold if g[2] == kind}
                counts[f"{kind} hit"] += len(one_said & one_gold)
                counts[f"{kind} said"] += len(one_said)
                counts[f"{kind} gold"] += len(one_gold)
            if said != gold and shown < chosen.errors:
                shown += 1
                wrong = [(row["text"][s:e], k) for s, e, k in sorted(said - gold)]
                missed = [(row["text"][s:e], k) for s, e, k in sorted(gold - said)]
                print(f"  {row['text']}\n    said {wrong} missed {missed}")
        seconds = time.process_time() - started
        scores = {kind: _f1(*(counts[f"{kind} {what}"] for what in ("hit", "said", "gold"))) for kind in TYPES}
        whole = _f1(*(sum(counts[f"{kind} {what}"] for kind in TYPES) for what in ("hit", "said", "gold")))
        by_type = "  ".join(f"{kind} {100 * score:.1f}" for kind, score in scores.items())
        print(f"{path.stem:20} F1 {100 * whole:.1f}  {by_type}  {seconds:.1f} s")


def _f1(hit: int, said: int, gold: int) -> float:
    return 2 * hit / (said + gold) if said + gold else 0.0


if __name__ == "__main__":
    main()
