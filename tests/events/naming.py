"""Names in a text by their capitals: enough to test events without a trained pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable

from stream.records import Document, Entity, EntityType, FieldName, Mention, Sentence, derived_id

SPAN = re.compile(r"[A-ZÀ-ÞŁŚŻŹĆĄĘА-ЯЁЇІЄҐ][\w]*(?:[ -](?:[A-ZÀ-ÞŁŚŻŹĆĄĘА-ЯЁЇІЄҐ][\w]*))*")
WORD = re.compile(r"\b[A-ZÄÖÜ]\w*")
FIRST = re.compile(r"\w+")
SENTENCE = re.compile(r"[^.!?]+(?:[.!?](?!\s|$)[^.!?]*)*[.!?]*\s*")


def document(text: str, *, title: str | None = None) -> Document:
    """A document with one sentence after each full stop."""
    parts: list[tuple[FieldName, str]] = [("title", title)] if title else []
    parts.append(("text", text))
    found = []
    for field, whole in parts:
        for one in SENTENCE.finditer(whole):
            content = one.group().strip()
            if content:
                start = one.start() + one.group().index(content)
                found.append(Sentence(field, start, start + len(content), content))
    return Document(title=title, text=text, sentences=tuple(found))


Common = Callable[[str], bool]
"""Whether a word with a capital at the beginning of a sentence is a common one."""


def entities(document_: Document, *, common: Common, nouns: bool = False) -> tuple[Entity, ...]:
    """Every run of capitalised words as a place that can act; the first word of a sentence only where it is not `common`.

    Where all `nouns` have capitals (German), no common word is a name wherever it stands.
    """
    found: dict[str, list[Mention]] = {}
    for sentence in document_.sentences:
        for one in (WORD if nouns else SPAN).finditer(sentence.text):
            if nouns and common(one.group()):
                continue
            start, name = one.start(), one.group()
            first = FIRST.match(name)
            if start == 0 and first and common(first.group()):
                rest = name[first.end() :].lstrip(" -")
                start += len(name) - len(rest)
                name = rest
            if not name:
                continue
            at = sentence.start + start
            mention = Mention(field=sentence.field, start=at, end=at + len(name), text=name)
            found.setdefault(name, []).append(mention)
    return tuple(
        Entity(id=derived_id("test-entity", name), type=EntityType.LOC, name=name, salience=0.5, mentions=tuple(mentions))
        for name, mentions in found.items()
    )
