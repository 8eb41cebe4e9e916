"""Raw input becomes clean text, its sentences and their offsets."""

import re

from stream.records import Document, FieldName, Sentence
from stream.text import characters, furniture, markup, paragraphs, sentences

__all__ = ["MAX_TITLE", "clean", "split_title"]

MAX_TITLE = 1_000
"""Longer titles are cut."""

_RAW_FACTOR = 30  # HTML may be this much longer than the text in it; more is not even parsed
_PLAIN_FACTOR = 4
_BOUNDARIES = (re.compile(r"\n\s*\n"), re.compile(r"[.!?…。！？؟।]\s"), re.compile(r"\s"))


def clean(title: str | None, text: str, *, max_chars: int = 100_000) -> Document:
    """The document that later steps read.

    Nothing raises and nothing is invented: clean input keeps every character but the space around it, so that offsets
    into it stay valid. ``getattr(document, s.field)[s.start:s.end] == s.text`` for every sentence.
    """
    bounded = text[: max_chars * (_RAW_FACTOR if "<" in text else _PLAIN_FACTOR)]
    whole = markup.readable(characters.normalise(bounded)).strip()
    body = _cut(whole, limit=max_chars)
    heading = _heading(title)
    page = furniture.find(body, paragraphs.lines(body), heading)
    found = [*_sentences("title", heading or "", [])]
    in_text = _sentences("text", body, page)
    told = [s for s in in_text if not furniture.is_exact(s.text)]
    if told and len(told) < len(in_text):
        starts = {s.start for s in told}
        page = sorted([*page, *((s.start, s.end) for s in in_text if s.start not in starts)])
        in_text = told
    return Document(
        title=heading,
        text=body,
        sentences=(*found, *in_text),
        furniture=tuple(page),
        truncated=len(bounded) < len(text) or len(body) < len(whole),
    )


def split_title(raw: str) -> tuple[str | None, str]:
    """Title and text of a plain-text article: the first line is the title where another line follows.

    HTML and text of a single line have no title here.
    """
    text = characters.normalise(raw).strip()
    first, _, rest = text.partition("\n")
    if not rest.strip() or len(first) > MAX_TITLE or markup.is_html(text):
        return None, text
    return first.strip(), rest.strip()


def _heading(title: str | None) -> str | None:
    if title is None:
        return None
    readable = markup.readable(characters.normalise(title[: MAX_TITLE * _RAW_FACTOR]))
    return _cut(readable.replace("\n", " ").strip(), limit=MAX_TITLE) or None


def _cut(text: str, *, limit: int) -> str:
    """`text` down to `limit` characters, ending with a paragraph, a sentence or a word if one ends near the limit."""
    if len(text) <= limit:
        return text
    for boundary in _BOUNDARIES:
        ends = [found.start() + 1 for found in boundary.finditer(text, limit - limit // 10, limit)]
        if ends:
            return text[: ends[-1]].rstrip()
    return text[:limit].rstrip()


def _sentences(field: FieldName, text: str, page: list[tuple[int, int]]) -> list[Sentence]:
    return [
        Sentence(field=field, start=start, end=end, text=text[start:end])
        for block_start, block_end in paragraphs.blocks(text, page)
        for start, end in sentences.split(text, block_start, block_end)
    ]
