"""Measure event types on gold sentences: ``python training/events/measure.py plv|types FILE LANGUAGE [errors]``."""

from __future__ import annotations

import collections
import csv
import re
import sys
import time
from pathlib import Path

from stream import events
from stream.events import lexicon, tokens
from stream.records import Document, Entity, EntityType, Mention, NewsEvent, Sentence, derived_id

SPAN = re.compile(r"[^\W\d_a-zа-я]\w*(?:[ .-]+[^\W\d_a-zа-я]\w*)*")


def _common(hit: lexicon.Hit) -> bool:
    return bool(hit.entries or hit.cues or any(not label.startswith("=") for label in hit.labels))


def names(text: str, models: events.Models, language: str) -> tuple[Entity, ...]:
    """Runs of capitalised words; a sentence's first word only where the lexicon does not know it as a common word."""
    known = models.lexicons[language]
    found = []
    for one in SPAN.finditer(text):
        start, end = one.span()
        if start == 0:
            first = tokens.WORD.match(text)
            if first and _common(known.look_up(tokens.fold(first.group()))):
                rest = SPAN.search(text[first.end() : end])
                if rest is None:
                    continue
                start = first.end() + rest.start()
        name = text[start:end]
        mention = Mention(field="text", start=start, end=end, text=name)
        found.append(
            Entity(id=derived_id("name", name, str(start)), type=EntityType.LOC, name=name, salience=0.5, mentions=(mention,))
        )
    return tuple(found)


def strongest(found: tuple[NewsEvent, ...]) -> NewsEvent | None:
    """The event that a sentence is mainly about."""
    return max(found, key=lambda one: one.confidence, default=None)


def predict(text: str, models: events.Models, language: str, *, threshold: float | None = None) -> NewsEvent | None:
    """The strongest event of one sentence."""
    document = Document(title=None, text=text, sentences=(Sentence("text", 0, len(text), text),))
    entities = names(text, models, language)
    return strongest(events.find(document, entities, language=language, article_id="x", models=models, threshold=threshold))


def macro(pairs: list[tuple[str, str]]) -> tuple[float, str]:
    """Macro-F1 over the gold classes, and a table by class."""
    lines, scores = [], []
    for name in sorted({gold for gold, _ in pairs}):
        right = sum(gold == name == said for gold, said in pairs)
        said = sum(one == name for _, one in pairs)
        gold_count = sum(gold == name for gold, _ in pairs)
        precision, recall = right / said if said else 0.0, right / gold_count
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        scores.append(f1)
        lines.append(f"{name:10} P {precision:.2f} R {recall:.2f} F {f1:.2f} n {gold_count}")
    return sum(scores) / len(scores), "\n".join(lines)


def main(kind: str, file: str, language: str, show: str = "") -> None:
    """Print the figures."""
    models = events.load()
    with Path(file).open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source, delimiter="\t"))
    roots, quads, errors = [], [], []
    began = time.process_time()
    for row in rows:
        one = predict(row["sentence"], models, language)
        said = "NONE" if one is None else str(one.type)
        if kind == "plv":
            root = "YIELD" if said in {"CONCEDE", "RETREAT"} else said
            gold = row["type"]
            quads.append((row["quad"], str(one.quad_class) if one and root != "YIELD" else "2" if one else "0"))
        else:
            root = said
            golds = row["types"].split("|")
            gold = said if said in golds else golds[0]
        roots.append((gold, root))
        if gold != root:
            trigger = row["sentence"][one.evidence[0].trigger.start : one.evidence[0].trigger.end] if one else ""
            errors.append(f"{gold} said {root} [{trigger}] {one.modality if one else ''}: {row['sentence'][:260]}")
    spent = time.process_time() - began
    score, table = macro(roots)
    print(table)
    print("none", sum(said == "NONE" for _, said in roots), "ms a sentence", round(1000 * spent / len(rows), 2))
    print(f"root macro-F1 {score:.3f} accuracy {sum(a == b for a, b in roots) / len(roots):.3f}")
    said_any = [(a, b) for a, b in roots if b != "NONE"]
    print(f"precision of what is said {sum(a == b for a, b in said_any) / max(1, len(said_any)):.3f}")
    if quads:
        print(f"quad macro-F1 {macro(quads)[0]:.3f}\n{macro(quads)[1]}")
    if show:
        print("\n".join(errors))
        print(collections.Counter(roots).most_common(0))


if __name__ == "__main__":
    main(*sys.argv[1:])
