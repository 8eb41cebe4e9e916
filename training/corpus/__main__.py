"""Check the corpus: ``python -m training.corpus [LANGUAGE…]``; the exit status is 1 where something is wrong."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from stream.evaluation import corpus

FOLDER = Path(__file__).parent


def main(languages: list[str]) -> int:
    """Print what there is, and what is wrong."""
    chosen = tuple(languages) or corpus.LANGUAGES
    try:
        wrong = corpus.problems(FOLDER, languages=chosen)
    except (ValueError, OSError) as error:
        print(error)
        return 1
    for language in chosen:
        examples = corpus.read(FOLDER / f"{language}.txt")
        kinds = Counter(event.type for example in examples for event in example.events)
        kinds["NONE"] = sum(not example.events for example in examples)
        print(
            f"{language}: {len(examples)} sentences, {sum(example.hard for example in examples)} hard,", dict(kinds.most_common())
        )
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
