"""How often the language step is right: on articles, on sentences, on six words, and between sister languages.

Usage: python training/measure_language.py FOLDER, with JSON lines ``{"text", "lang"}``, one sentence each. Nothing is trained.
"""

import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from stream import language, text

_PER_ARTICLE = 15
_PER_SET = 300
_MIN_SENTENCE = 60


def main(folder: Path) -> None:
    """Print the share of right answers, of ``und``, and what was taken for what."""
    model = language.load()
    for name, cases in _sets(folder).items():
        documents = [(code, text.clean(title, body)) for code, title, body in cases]
        before = time.perf_counter()
        found = [(code, language.detect(document, declared=None, model=model)) for code, document in documents]
        seconds = (time.perf_counter() - before) / len(found)
        right = sum(code == answer.code for code, answer in found)
        unsure = sum(answer.code == language.UNDETERMINED for _, answer in found)
        wrong = Counter(f"{code}>{answer.code}" for code, answer in found if answer.code not in {code, language.UNDETERMINED})
        print(f"{name}: {right} right, {unsure} und, of {len(found)}; {seconds * 1e3:.2f} ms each; {wrong.most_common(8)}")
        for low in (0.0, 0.4, 0.6, 0.8, 0.95):
            high = {0.0: 0.4, 0.4: 0.6, 0.6: 0.8, 0.8: 0.95}.get(low, 1.1)
            within = [code == answer.code for code, answer in found if low <= answer.confidence < high]
            if low >= 0.4 and within:  # below, the answer is und
                print(f"    confidence {low} to {min(high, 1.0)}: {sum(within)} right of {len(within)}")


def _sets(folder: Path) -> dict[str, list[tuple[str, str | None, str]]]:
    sentences: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            sentences[row["lang"]].append(row["text"])
    sets: dict[str, list[tuple[str, str | None, str]]] = {"articles": [], "sentences": [], "six words": []}
    draw = random.Random(1)
    for code, lines in sentences.items():
        sets["articles"] += [
            (code, None, " ".join(lines[i : i + _PER_ARTICLE])) for i in range(0, min(len(lines), 900), _PER_ARTICLE)
        ]
        long = [line for line in lines if len(line) >= _MIN_SENTENCE]
        draw.shuffle(long)
        sets["sentences"] += [(code, None, line) for line in long[:_PER_SET]]
        sets["six words"] += [(code, " ".join(line.split()[:6]).rstrip(".,"), "") for line in long[_PER_SET : 2 * _PER_SET]]
    return sets


if __name__ == "__main__":
    main(Path(sys.argv[1]))
