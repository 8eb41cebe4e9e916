"""French articles through a small spaCy pipeline, naively or as ours: ``python -m bench.naive HOW FILE WARM PIPELINE``.

PIPELINE is the folder of the one that `bench.stock` builds. HOW is "naive" (the package as it comes, all of its components, one
call for each article), "same" (newsstream's pipeline with the same package as its entity model, every step of it), "accurate"
or "fast" (with that engine). Prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from stream import codec, outcome, pipeline


def main(how: str, path: str, warm: int, package: str) -> None:
    """Open, work, print."""
    values = json.loads(Path(path).read_text("utf-8"))
    texts = [json.loads(value)["text"] for value in values]
    if how == "naive":
        work, read = _naive(package)
    elif how == "same":
        work, read = _ours(outcome.Options(ner_models={"fr": package}))
    else:
        work, read = _ours(outcome.Options(engine="fast" if how == "fast" else "accurate"))
    for value, text in zip(values[:warm], texts[:warm], strict=True):
        work(value, text)
    began, used = time.perf_counter(), time.process_time()
    for value, text in zip(values[warm:], texts[warm:], strict=True):
        work(value, text)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    articles = len(values) - warm
    answer = {"articles": articles, "seconds": seconds / articles, "cpu": cpu / articles, "names": _names(read, texts)}
    if isinstance(read, Language) and "parser" in read.pipe_names:
        read.disable_pipe("parser")
        answer["names_without_parser"] = _names(read, texts)
    sys.stdout.write(json.dumps(answer) + "\n")


def _naive(package: str) -> tuple[Callable[[str, str], object], Callable[[str], Doc]]:
    nlp = spacy.load(package)
    return (lambda _value, text: nlp(text)), nlp


def _ours(options: outcome.Options) -> tuple[Callable[[str, str], object], Callable[[str], Doc]]:
    loaded = pipeline.load(options)
    gc.collect()
    gc.freeze()  # as a process of the pool does

    def work(value: str, _text: str) -> object:
        message = codec.message(value=value.encode(), key=None, topic="", partition=0, offset=0, seconds=None, headers=())
        return pipeline.enrich(message, models=loaded, options=options, clock=time.perf_counter, now=datetime.now(UTC))

    return work, loaded.entities.pipeline("fr").nlp


def _names(read: Callable[[str], Doc], texts: Iterable[str]) -> list[str]:
    """Every name in every text, with its place."""
    return [
        f"{number} {one.start_char} {one.end_char} {one.label_}" for number, text in enumerate(texts) for one in read(text).ents
    ]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
