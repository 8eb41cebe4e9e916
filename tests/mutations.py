"""Good messages made bad, by chance that can be repeated: the mutants of the fault suite and of the fuzzers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stream import sources, text

SEEDS = Path(__file__).parents[1] / "seeds"

JUNK = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\\", b'"',
    b"{", b"[", b"}", b"NaN", b"1e999", b"-0", b"9" * 40, b"null", b"<p>", b"</div>", b"<script>", b"<!--", b"&lt;",
    b"&#0;", b"<" * 30, "\u202e".encode(), "\u200d".encode(), "\u0301".encode() * 40, "\U0001f468\u200d\U0001f469".encode(),
    "\U0001d54b".encode(), "\u2028".encode(), "ﬁ".encode(), "İ".encode(), "ß".encode(), "ǅ".encode(),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", " ", "\x00", "\ud800", [], {}, ["x"], {"x": None}, "x" * 600,
    "1e400", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "http://[", "javascript:1", "//",
    "it", "xx-XX", 253402300800,
)  # fmt: skip
FIELDS = ("id", "url", "source", "title", "text", "published_at", "language", "metadata", "schema", "")

Mutation = Callable[[bytes, random.Random], bytes]


def articles() -> list[bytes]:
    """The seed articles, whole."""
    found: list[bytes] = []
    for path in sorted([*SEEDS.glob("*.ndjson"), *SEEDS.glob("*.txt")]):
        with path.open("rb") as stream:
            found += sources.values(path.name, stream)
    return found


def refusals() -> list[bytes]:
    """The seeds that are refused, but for those whose point is their size."""
    return [path.read_bytes() for path in sorted(SEEDS.glob("rejected/*.json"))]


def briefs() -> list[bytes]:
    """An article of one sentence for each sentence of a seed: quick to enrich."""
    found = []
    for value in articles():
        article = json.loads(value)
        document = text.clean(article.get("title"), article["text"])
        found += [
            json.dumps(article | {"title": document.title, "text": sentence.text}, ensure_ascii=False).encode()
            for sentence in document.sentences
            if sentence.field == "text"
        ]
    return found


def mutants(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Without end: a seed with one to four mutations, and now and then as it is."""
    while True:
        value = chance.choice(seeds)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 4))):
            value = mutate(value, chance, other=chance.choice(seeds))
        yield value


def mutate(value: bytes, chance: random.Random, *, other: bytes = b"") -> bytes:
    """`value` with one mutation; a splice takes from `other`."""
    if chance.random() < 0.1:
        return _splice(value, other, chance)
    return chance.choice(_MUTATIONS)(value, chance)


def _flip(value: bytes, chance: random.Random) -> bytes:
    if not value:
        return b"\x00"
    changed = bytearray(value)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(value: bytes, chance: random.Random) -> bytes:
    start, end = sorted((chance.randrange(len(value) + 1), chance.randrange(len(value) + 1)))
    return chance.choice((value[:start], value[end:], value[:start] + value[end:]))


def _insert(value: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(value) + 1)
    return value[:at] + chance.choice(JUNK) * chance.choice((1, 1, 1, 3, 50)) + value[at:]


def _repeat(value: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(value) + 1)
    end = min(len(value), start + chance.choice((1, 2, 8, 40)))
    return value[:end] + value[start:end] * chance.choice((1, 2, 30)) + value[end:]


def _splice(value: bytes, other: bytes, chance: random.Random) -> bytes:
    return value[: chance.randrange(len(value) + 1)] + other[chance.randrange(len(other) + 1) :]


def _retype(value: bytes, chance: random.Random) -> bytes:
    """A field with a value of another type."""
    return _changed(value, lambda article: article | {chance.choice(FIELDS): chance.choice(VALUES)})


def _drop(value: bytes, chance: random.Random) -> bytes:
    """An article without one of its fields."""
    gone = chance.choice(FIELDS)
    return _changed(value, lambda article: {name: item for name, item in article.items() if name != gone})


def _double(value: bytes, chance: random.Random) -> bytes:
    """An object with a key that stands twice."""
    head, brace, rest = value.partition(b"{")
    extra = json.dumps({chance.choice(FIELDS): chance.choice(VALUES)})[1:-1].encode()
    return head + brace + extra + b"," + rest if brace else value


def _bury(value: bytes, chance: random.Random) -> bytes:
    """Metadata that lie deep."""
    depth = chance.choice((5, 50, 190, 210, 1000))
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    head, brace, rest = value.partition(b"{")
    return head + brace + b'"metadata":' + nested + b"," + rest if brace else value


def _disturb(value: bytes, chance: random.Random) -> bytes:
    """Junk within the text, which stays JSON."""
    junk = chance.choice(JUNK).decode("utf-8", "replace") * chance.choice((1, 2, 20))

    def disturbed(article: dict[str, Any]) -> dict[str, Any]:
        whole = str(article.get("text", ""))
        at = chance.randrange(len(whole) + 1)
        return article | {"text": whole[:at] + junk + whole[at:]}

    return _changed(value, disturbed)


def _shuffle(value: bytes, chance: random.Random) -> bytes:
    """The words of the text in another order."""

    def shuffled(article: dict[str, Any]) -> dict[str, Any]:
        words = str(article.get("text", "")).split(" ")
        return article | {"text": " ".join(chance.sample(words, len(words)))}

    return _changed(value, shuffled)


_MUTATIONS: tuple[Mutation, ...] = (_flip, _cut, _insert, _repeat, _retype, _drop, _double, _bury, _disturb, _shuffle)


def _changed(value: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The article with a change; what is no article any more stays as it is."""
    try:
        article = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(article, dict):
        return value
    written = json.dumps(change(article), ensure_ascii=False)
    lone = any("\ud800" <= letter <= "\udfff" for letter in written)
    return (json.dumps(json.loads(written)) if lone else written).encode()
