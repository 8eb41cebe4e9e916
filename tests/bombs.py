"""Messages that are built to exhaust: ``python -m tests.bombs`` says what each costs, in a process of its own."""

from __future__ import annotations

import functools
import json
import os
import random
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from stream import entities, outcome, pipeline
from stream.entities import encoder
from stream.entities.segments import Segment
from stream.records import Message, Reason
from tests import bundled, laws

MEBIBYTE = 1024 * 1024
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYLLABLES = [a + b + c for a in _LETTERS.upper() for b in _LETTERS for c in _LETTERS]


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """A value, made when it is needed, and what becomes of it."""

    value: Callable[[], bytes | None]
    reason: Reason | None = None
    """None: it is enriched."""
    seconds: float = 2.0
    """CPU time that it may take beyond the encoder's: some five times what it took."""
    dense: bool = False
    """Whether it fills every window that the encoder reads of a text."""


def _text(text: str, **fields: object) -> bytes:
    return json.dumps({"text": text} | fields, ensure_ascii=False).encode()


def _with_metadata(nested: str) -> bytes:
    return f'{{"text": "Kyiv is quiet.", "metadata": {nested}}}'.encode()


BOMBS: dict[str, Bomb] = {
    "a tombstone": Bomb(value=lambda: None, reason=Reason.EMPTY),
    "zero bytes": Bomb(value=lambda: b"", reason=Reason.EMPTY),
    "NUL bytes": Bomb(value=lambda: b"\x00" * 900_000, reason=Reason.NOT_JSON),
    "malformed JSON": Bomb(value=lambda: b'{"text": "Kyiv"', reason=Reason.NOT_JSON),
    "invalid UTF-8": Bomb(value=lambda: b'{"text": "' + b"\xff" * 900_000 + b'"}', reason=Reason.NOT_UTF8),
    "a text that is a number": Bomb(value=lambda: b'{"text": 7}', reason=Reason.INVALID),
    "a text that is a million lists": Bomb(value=lambda: b'{"text": [' + b"[]," * 300_000 + b"[]]}", reason=Reason.INVALID),
    "no text": Bomb(value=lambda: b'{"title": "Kyiv"}', reason=Reason.INVALID),
    "an empty text": Bomb(value=lambda: b'{"text": ""}', reason=Reason.NO_TEXT),
    "ten megabytes": Bomb(value=lambda: _text("Kyiv is quiet. " * 700_000), reason=Reason.TOO_LARGE),
    "NUL characters": Bomb(value=lambda: b'{"text": "Kyiv' + b"\\u0000" * 150_000 + b' is quiet."}'),
    "surrogates alone": Bomb(value=lambda: b'{"text": "Kyiv' + b"\\ud800" * 150_000 + b' is quiet."}'),
    "a hundred thousand brackets": Bomb(value=lambda: _with_metadata("[" * 100_000 + "]" * 100_000), reason=Reason.NOT_JSON),
    "a hundred thousand objects": Bomb(value=lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000, reason=Reason.NOT_JSON),
    "as deep as is read": Bomb(value=lambda: _with_metadata('{"a":' * 190 + "1" + "}" * 190)),
    "deep, with a surrogate": Bomb(
        value=lambda: b'{"id": "\\ud800", "text": "Kyiv", "metadata": ' + b'{"a":' * 210 + b"1" + b"}" * 210 + b"}",
        reason=Reason.NOT_JSON,
    ),
    "a number of a million digits": Bomb(value=lambda: _with_metadata('{"a":' + "9" * 1_000_000 + "}"), reason=Reason.NOT_JSON),
    "a hundred thousand keys": Bomb(value=lambda: _with_metadata(json.dumps({f"k{n}": n for n in range(50_000)}))),
    "no text in a megabyte of space": Bomb(value=lambda: _text(" " * 1_000_000), reason=Reason.NO_TEXT),
    "a word of a million letters": Bomb(value=lambda: _text("a" * 1_000_000)),
    "a word of a million capitals": Bomb(value=lambda: _text("A" * 1_000_000)),
    "a million marks": Bomb(value=lambda: _text("Kyiv" + "." * 1_000_000)),
    "combining marks": Bomb(value=lambda: _text("Kyiv" + "\u0316\u0301" * 250_000)),
    "families of emoji": Bomb(value=lambda: _text("Kyiv " + "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50_000)),
    "a name that ends nowhere": Bomb(value=lambda: _text("<p>Kyiv</p><" + "a" * 900_000)),
    "tags in tags": Bomb(value=lambda: _text("<div>" * 90_000 + "Kyiv" + "</div>" * 70_000)),
    "a huge attribute": Bomb(value=lambda: _text(f"<p title='{'x' * 950_000}'>Kyiv</p>")),
    "a hundred thousand attributes": Bomb(
        value=lambda: _text(f"<p>Kyiv</p><p {' '.join(f'a{n}' for n in range(100_000))}>x</p>")
    ),
    "attributes with brackets in them": Bomb(
        value=lambda: _text("<p>Kyiv</p><p " + " ".join(f"a{n}='>'" for n in range(60_000)))
    ),
    "attributes behind a comment": Bomb(
        value=lambda: _text("<p>Kyiv</p><!--<p a='--><q b=\">" + " ".join(f"a{n}" for n in range(90_000)) + "'>x</p>")
    ),
    "a million tags left open": Bomb(value=lambda: _text("Kyiv<br>" + "<b>" * 330_000)),
    "styles left open": Bomb(
        value=lambda: _text("<p>Kyiv" + "".join(f"<font color={n}></x>" for n in range(9_000)) + "</p>" + "<p>x</p>" * 500)
    ),
    "options of a form": Bomb(value=lambda: _text("Kyiv<br><select>" + "<option>x" * 18_000)),
    "cells without a table": Bomb(value=lambda: _text("Kyiv<br><table>" + "<td>x" * 18_000)),
    "entities of entities": Bomb(
        value=lambda: _text('<!DOCTYPE html [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><p>Kyiv ' + "&b;" * 250_000 + "</p>")
    ),
    "HTML in HTML in HTML": Bomb(value=lambda: _text("Kyiv " + "&amp;amp;lt;p&amp;amp;gt;" * 40_000)),
    "megabytes of style": Bomb(value=lambda: _text("<style>" + "a{b:c}" * 150_000 + "</style><p>Kyiv</p>")),
    "megabytes of script": Bomb(value=lambda: _text("<script>" + "if(a<b)c();" * 80_000 + "</script><p>Kyiv</p>")),
    "comments without end": Bomb(value=lambda: _text("<p>Kyiv</p>" + "<!--" * 220_000)),
    "forty thousand short lines": Bomb(value=lambda: _text("Kyiv\n" * 40_000)),
    "lines of the page": Bomb(value=lambda: _text("Kyiv. Now watching. " * 3_000)),
    "letters one by one": Bomb(
        value=lambda: _text(" ".join(random.Random(1).choices(_LETTERS.upper(), k=30_000))), seconds=5, dense=True
    ),
    "letters that no model knows": Bomb(
        value=lambda: _text("".join(random.Random(1).choices([chr(0x10400 + n) for n in range(40)] + list("!?%"), k=60_000))),
    ),
    "marks and capitals": Bomb(
        value=lambda: _text("".join(random.Random(1).choices("!?%&/()=,;:#+*-ABCDEFGH", k=60_000))), seconds=5, dense=True
    ),
    "five thousand people": Bomb(
        value=lambda: _text(
            ", ".join(f"{one} {two}ov" for one, two in zip(_SYLLABLES[:5_000], _SYLLABLES[:4_999:-1], strict=False))
        ),
        seconds=5,
        dense=True,
    ),
    "five thousand namesakes": Bomb(
        value=lambda: _text(", ".join(f"{one} Li" for one in _SYLLABLES[:6_500])), seconds=5, dense=True
    ),
    "nothing but triggers": Bomb(
        value=lambda: _text("Soldiers bombed civilians; rebels shelled villages, troops raided towns. " * 850),
        seconds=5,
    ),
    "a source of a megabyte": Bomb(
        value=lambda: _text(" ".join(f"Anna {one}ossi met Marco {one}elli." for one in _SYLLABLES[::400]), source="x" * 900_000),
        reason=Reason.OUTPUT_TOO_LARGE,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a bomb cost, and what became of it."""

    bomb: str
    seconds: float
    """Of CPU time."""
    allowed: float
    """What it may take on this machine."""
    mebibytes: float
    """Beyond what the process had with all models loaded."""
    outcome: str
    """The reason of the rejection, ``enriched``, or the law that was broken."""


@functools.cache
def _window() -> float:
    """CPU seconds that the encoder takes for one full window on this machine: the median of some."""
    graph = encoder.session(entities.BUNDLED / f"{outcome.Options().engine}.int8.onnx")
    taken = []
    for number in range(15):
        ids = np.arange(10, 10 + 128, dtype=np.int64)[None] + number
        started = time.process_time()
        graph.run(None, {"ids": ids})
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def _allowed(bomb: Bomb) -> float:
    whole = Segment(0, outcome.Options().max_text_chars, "", glued=False)
    return bomb.seconds + (1.2 * encoder.most_windows([whole]) * _window() if bomb.dense else 0.0)


def measure(name: str) -> Cost:
    """What a bomb costs the first time, in a child of this process, so that the peak of its memory is its own."""
    message, models, options = Message(value=BOMBS[name].value()), bundled.models(), outcome.Options()
    source, sink = os.pipe()
    if not (child := os.fork()):
        told = b""
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            started = time.process_time()
            done = pipeline.process(message, models=models, options=options, clock=time.perf_counter, now=laws.NOW)
            seconds = time.process_time() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            told = json.dumps((seconds, peak / 1024, done.summary.reason or "enriched")).encode()
            laws.of_processing(message, models=models, options=options)
        except BaseException:  # noqa: BLE001 - whatever it is, this child must not go on as its parent
            told = json.dumps((0, 0, traceback.format_exc()[-2000:])).encode()
        finally:
            os.write(sink, told)
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as answer:
        seconds, peak, what = json.loads(answer.read())
    os.waitpid(child, 0)
    return Cost(
        bomb=name, seconds=round(seconds, 2), allowed=round(_allowed(BOMBS[name]), 2), mebibytes=round(peak, 1), outcome=what
    )


def main() -> int:
    """One line of JSON for each."""
    bundled.models()
    for name in BOMBS:
        sys.stdout.write(json.dumps(asdict(measure(name))) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
