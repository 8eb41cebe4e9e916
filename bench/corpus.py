"""Articles to measure with: of a given length, in several languages, no two with a paragraph in common.

The encoder remembers what it has read lately, so an article must not come twice; each run starts new processes, and all of
them read the same articles in the same order.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
_SENTENCES = 4
"""In a paragraph."""
_VARIATION = 0.25
"""Articles are so much shorter or longer than asked for, at most."""
_GOLDEN = 0.618034
"""Lengths follow each other so that the first half of the articles is as long as all of them: not everybody reads as many."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is sent."""

    key: bytes
    value: bytes
    language: str
    words: int


def beside(root: Path = ROOT) -> Path | None:
    """The folder with raw text beside the checkout (one sentence a line, a file for each language), where there is one."""
    folder = root.parent / "shared" / "data" / "raw"
    return folder if folder.is_dir() else None


@cache
def sentences(folder: Path | None) -> dict[str, list[str]]:
    """Sentences by language: of a folder with raw text, else those of the seeds."""
    if folder is None:
        return _seeds()
    found = {path.stem.rpartition("_")[2]: path.read_text("utf-8").splitlines() for path in sorted(folder.glob("*.txt"))}
    if not found:
        raise ValueError(f"no *.txt in {folder}")
    return {language: [line for line in lines if len(line.split()) >= 4] for language, lines in found.items()}  # no scraps


def articles(count: int, *, folder: Path | None, words: int = 400, seed: int = 1, only: str | None = None) -> list[Article]:
    """So many articles of about so many words, language by language in turn."""
    sources = {
        language: _endless(lines, random.Random(f"{seed} {words} {language}"))
        for language, lines in sentences(folder).items()
        if only in (None, language)
    }
    languages = sorted(sources)
    return [_article(number, languages[number % len(languages)], sources, words) for number in range(count)]


def _article(number: int, language: str, sources: dict[str, Iterator[str]], words: int) -> Article:
    wanted = words * (1 + _VARIATION * (2 * (number * _GOLDEN % 1) - 1))
    title = next(sources[language])
    lines: list[str] = []
    total = 0
    while total < wanted:
        lines.append(next(sources[language]))
        total += len(lines[-1].split())
    text = "\n\n".join(" ".join(lines[first : first + _SENTENCES]) for first in range(0, len(lines), _SENTENCES))
    key = f"b{number:05}"
    value = json.dumps({"id": key, "source": "bench.example", "title": title[:200], "text": text}, ensure_ascii=False)
    return Article(key=key.encode(), value=value.encode(), language=language, words=total)


def _endless(lines: Sequence[str], chance: random.Random) -> Iterator[str]:
    """All lines in a random order, then all in another."""
    while True:
        yield from chance.sample(list(lines), len(lines))


def _seeds() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(SEEDS.glob("*.ndjson")):
        if path.stem != "other":
            texts = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
            found[path.stem] = [f"{one.strip()}." for text in texts for one in text.split(". ") if len(one.split()) >= 4]
    return found
