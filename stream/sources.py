"""What a file holds, as the values of messages: NDJSON, plain text with the title first, or one raw value."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from stream import text

Form = Literal["auto", "ndjson", "text", "raw"]
FORMS: tuple[Form, ...] = ("auto", "ndjson", "text", "raw")

_BY_SUFFIX: dict[str, Form] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".txt": "text", ".json": "raw"}


def open_input(name: str, *, standard_input: BinaryIO) -> BinaryIO:
    """Open a file, uncompressed where its name ends in ``.gz``; ``-`` is standard input. Raises `OSError`."""
    if name == "-":
        return standard_input
    if name.endswith(".gz"):
        return gzip.open(name, "rb")  # type: ignore[return-value] # a GzipFile reads like any binary file
    return Path(name).open("rb")


def values(name: str, stream: BinaryIO, *, form: Form = "auto") -> Iterator[bytes]:
    """The message values in an open file.

    Args:
        name: of the file; its suffix decides the form when that is ``auto``, else the first byte does.
        stream: the open file.
        form: ``ndjson`` (an article a line), ``text`` (one article, its first line the title), ``raw`` (one value).

    """
    if form == "auto":
        form = _BY_SUFFIX.get(Path(name.removesuffix(".gz")).suffix, "auto")
    if form == "auto":
        first = stream.readline()
        looks_like_json = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"")
        if looks_like_json:
            yield from _lines(first, stream)
        else:
            yield from_text(first + stream.read())
    elif form == "ndjson":
        yield from _lines(b"", stream)
    elif form == "text":
        yield from_text(stream.read())
    else:
        yield stream.read()


def _lines(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield from (line.rstrip(b"\r\n") for line in itertools.chain((first,), stream) if line.strip())


def from_text(raw: bytes) -> bytes:
    """Plain text as an article; bytes that are not UTF-8 are handed on as they are, for the pipeline to refuse."""
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw
    title, body = text.split_title(decoded)
    return json.dumps({"title": title, "text": body}, ensure_ascii=False).encode()
