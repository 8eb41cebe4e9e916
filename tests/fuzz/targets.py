"""What is fuzzed: functions of bytes that raise where a law is broken."""

from __future__ import annotations

import json
from collections.abc import Callable

from stream.outcome import Options
from stream.records import Article, Message
from tests import bundled, laws

Target = Callable[[bytes], None]

_SHORT, _LONG = 2_000, 60_000
_BETWEEN = b"\x1e"
"""Stands between title and text in what is given to `text`."""


def decode(data: bytes) -> None:
    """A message with this value."""
    laws.of_decoding(Message(value=data, topic="news.articles", partition=1, offset=7))


def text(data: bytes) -> None:
    """A text, or a title and a text with a record separator between them."""
    title, between, body = data.rpartition(_BETWEEN)
    limit = _LONG if len(data) > _LONG else _SHORT  # texts are short here: only a low limit is ever reached
    laws.of_cleaning(_characters(title) if between else None, _characters(body), max_chars=limit)


def pipeline(data: bytes) -> None:
    """A message with this value; what does not look like JSON is the text of an article."""
    value = data if data[:1] in (b"{", b"[", b'"', b"") else json.dumps({"text": _characters(data)}).encode()
    message = Message(value=value, topic="news.articles", partition=1, offset=7, headers=(("traceparent", data[:80]),))
    laws.of_processing(message, models=bundled.models(), options=Options(max_text_chars=_SHORT))


def _characters(data: bytes) -> str:
    """Surrogates alone come through, as they do from a careless decoder."""
    return data.decode("utf-8", "surrogatepass") if _lone(data) else data.decode("utf-8", "replace")


def _lone(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


TARGETS: dict[str, Target] = {"decode": decode, "text": text, "pipeline": pipeline}


def seeds(target: str) -> list[bytes]:
    """Where the fuzzer of a target begins."""
    from tests import mutations  # noqa: PLC0415

    whole = [*mutations.articles(), *mutations.refusals()]
    if target != "text":
        return [*whole, *mutations.briefs()[::4]] if target == "pipeline" else whole
    articles = [article for value in whole if isinstance(article := laws.of_decoding(Message(value=value)), Article)]
    return [f"{article.title or ''}\x1e{article.text}".encode() for article in articles]
