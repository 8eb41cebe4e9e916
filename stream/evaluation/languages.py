"""The language step against texts whose language is known: whole articles, sentences, headlines. Pure."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.evaluation import scores
from stream.records import EnrichedArticle

_ARTICLE, _HEADLINE = 15, 6
"""Sentences of an article, words of a headline."""
_MOST = 300
UNSURE = "und"


@dataclass(frozen=True, slots=True)
class Gold:
    """A text, its language, and what it stands for: an article, a sentence, a headline."""

    text: str
    language: str
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of a gold text."""

    gold: Gold
    said: str
    confidence: float


def read(paths: Sequence[Path]) -> list[Gold]:
    """Articles, sentences and headlines from JSON lines with ``text`` and ``lang``; a language is at most 300 of each.

    Raises:
        ValueError: a line has no text or no language.
        OSError: a file cannot be read.

    """
    texts: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                texts[row["lang"]].append(row["text"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: no text with its language ({error!r})") from None
    chance = random.Random(1)
    found = []
    for language, lines in sorted(texts.items()):
        chance.shuffle(lines)
        articles = [" ".join(lines[at : at + _ARTICLE]) for at in range(0, len(lines) - _ARTICLE + 1, _ARTICLE)]
        headlines = [" ".join(line.split()[:_HEADLINE]).rstrip(".,;:") for line in lines if len(line.split()) >= _HEADLINE]
        for kind, some in (("article", articles), ("sentence", lines), ("six words", headlines)):
            found += [Gold(text, language, kind) for text in some[:_MOST]]
    return found


def answer(gold: Gold, article: EnrichedArticle | None) -> Answer:
    """The language of an article, or ``und``."""
    return Answer(gold, UNSURE, 0.0) if article is None else Answer(gold, article.language.code, article.language.confidence)


def right(answers: Sequence[Answer]) -> scores.Estimate:
    """The share that was named right; ``und`` is not right."""
    return scores.share([one.said == one.gold.language for one in answers])


def wrong(answers: Sequence[Answer]) -> scores.Estimate:
    """The share that was taken for another language: ``und`` is not wrong."""
    return scores.share([one.said not in (one.gold.language, UNSURE) for one in answers])


def mistakes(answers: Sequence[Answer], *, most: int = 12) -> list[tuple[str, int]]:
    """What was taken for what."""
    return Counter(
        f"{one.gold.language} → {one.said}" for one in answers if one.said not in (one.gold.language, UNSURE)
    ).most_common(most)


def sure(answers: Sequence[Answer]) -> list[tuple[float, bool]]:
    """Confidence of each language that was named, and whether it is right."""
    return [(one.confidence, one.said == one.gold.language) for one in answers if one.said != UNSURE]
