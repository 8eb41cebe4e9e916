"""The figures on event types, as words, tables and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stream.evaluation import document, events, pictures, scores
from stream.evaluation.events import NONE, Answer
from stream.evaluation.scores import Pair, Score

_SHOWN = 160


def summary(answers: Sequence[Answer], *, milliseconds: float) -> list[str]:
    """The figures that matter, a line each."""
    roots = events.roots(answers)
    lines = [f"{len(answers)} sentences, the strongest event of each against the gold; intervals: 95 % of bootstrap resamples"]
    if quads := events.quads(answers):
        lines.append(f"quad class  macro-F1 {scores.macro(quads)}  accuracy {scores.accuracy(quads)}")
    lines.append(f"type        macro-F1 {scores.macro(roots)}  accuracy {scores.accuracy(roots)}")
    lines.append(f"precision of the events that were said {events.precision(answers)}")
    silent = sum(said == NONE for _, said in roots)
    lines.append(f"no event said in {silent} sentences; {milliseconds:.2f} ms for the events of a sentence")
    error, _ = scores.calibration(events.sure(answers))
    lines.append(f"expected calibration error {error:.3f}")
    for name, share in events.false_alarms(answers).items():
        lines.append(f"{name}: an event is said in {share}")
    if modalities := events.modalities(answers):
        lines.append(f"modality of events found with their type: accuracy {scores.accuracy(modalities)}")
        for role, one in events.roles(answers).items():
            lines.append(f"{role}: precision {one.precision:.2f} recall {one.recall:.2f} of {one.support}")
    return lines


def by_class(found: Sequence[Score]) -> list[tuple[str, ...]]:
    """Rows of precision, recall, F1 and support."""
    return [
        (one.name, f"{one.precision:.2f}", f"{one.recall:.2f}", f"{one.f1:.2f}", str(one.support), str(one.said)) for one in found
    ]


HEAD = ("type", "precision", "recall", "F1", "gold", "said")


def by_language(answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Rows of macro-F1, precision and false alarms, for gold that names its languages."""
    rows: list[tuple[str, ...]] = []
    for language, own in events.grouped(answers, lambda one: one.gold.language).items():
        alarms = events.false_alarms(own).get("no event")
        macro, precise = scores.macro(events.roots(own)), events.precision(own)
        rows.append((language, str(len(own)), str(macro), str(precise), "" if alarms is None else f"{alarms.value:.3f}"))
    return rows


LANGUAGE_HEAD = ("language", "sentences", "macro-F1", "precision of what is said", "false alarms")


def mistakes_by_language(answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Rows of how many events of a language are missed, taken for others, or none, and which are most."""
    rows = []
    for language, own in events.grouped(answers, lambda one: one.gold.language).items():
        wrong = [(gold, said) for gold, said in events.roots(own) if gold != said]
        missed = [gold for gold, said in wrong if said == NONE]
        alarms = [said for gold, said in wrong if gold == NONE]
        mistaken = [f"{gold} → {said}" for gold, said in wrong if NONE not in (gold, said)]
        rows.append((language, *(_most(kinds) for kinds in (missed, mistaken, alarms))))
    return rows


MISTAKES_HEAD = ("language", "missed", "taken for another", "said where there is none")


def _most(kinds: Sequence[str], *, most: int = 4) -> str:
    shown = ", ".join(f"{kind} {count}" if count > 1 else kind for kind, count in Counter(kinds).most_common(most))
    return f"{len(kinds)}: {shown}" if kinds else "0"


def confusions(pairs: Sequence[Pair], *, most: int = 15) -> list[tuple[str, ...]]:
    """The commonest mistakes: gold, said, how often."""
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    return [(f"{gold} → {said}", str(count)) for (gold, said), count in wrong.most_common(most)]


def failures(answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """The worst failures, with the trigger that misled."""
    rows: list[tuple[str, ...]] = []
    for one in events.worst(answers):
        event = one.strongest
        trigger = ""
        if event is not None:
            evidence = event.evidence[0]
            trigger = evidence.text[evidence.trigger.start - evidence.start : evidence.trigger.end - evidence.start]
        said = f"{one.type} {event.confidence:.2f} “{trigger}”" if event else NONE
        text = one.gold.text if len(one.gold.text) <= _SHOWN else f"{one.gold.text[:_SHOWN]}…"
        rows.append((text, ", ".join(one.gold.types), said))
    return rows


def section(answers: Sequence[Answer], *, name: str, milliseconds: float, folder: Path) -> str:
    """The section of a gold set in the page, and its pictures in `folder`."""
    roots = events.roots(answers)
    parts = [f"## {name}", "\n".join(f"- {line}" for line in summary(answers, milliseconds=milliseconds))]
    if any(one.gold.language for one in answers):
        parts += ["### By language", document.table(LANGUAGE_HEAD, by_language(answers))]
        parts += ["What goes wrong in each, the commonest first:", document.table(MISTAKES_HEAD, mistakes_by_language(answers))]
    parts += ["### By type", document.table(HEAD, by_class(scores.by_class(roots)))]
    if any(len(one.gold.types) > 1 for one in answers):
        parts += ["Where a sentence tells of several, each counted:", document.table(HEAD, by_class(events.several(answers)))]
    parts += ["### What is taken for what", document.table(("gold → said", "sentences"), confusions(roots))]
    parts += [
        f"![confusion]({pictures.confusion(roots, folder / f'{name}-confusion.png').name})",
        f"![reliability]({pictures.reliability(events.sure(answers), folder / f'{name}-reliability.png').name})",
    ]
    if all(one.gold.example is not None for one in answers):  # other people's sentences are not ours to print
        parts += ["### The worst failures", document.table(("sentence", "gold", "said"), failures(answers))]
    return "\n\n".join(parts)
