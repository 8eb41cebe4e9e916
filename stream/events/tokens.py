"""A sentence as words that can be looked up: folded, with their offsets and the punctuation before each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 400
"""Words of a sentence that are looked at: no news sentence is longer, and work per sentence stays bounded."""

_WORDS = re.compile(r"([\u0400-\u04ff]+(?:['\u2019\u02bc`][\u0400-\u04ff]+)*|[^\W_]+)")
_EXTRA = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "'": "", "’": "", "ʼ": "", "`": ""}
_LATIN = [chr(code) for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))]
FOLD = str.maketrans({letter: unicodedata.normalize("NFD", letter)[0] for letter in _LATIN} | _EXTRA)
STRONG = re.compile(r"[;:()\[\]\u2013\u2014\u2026.!?]|\s-+\s")
WEAK = re.compile(r"[,\"\u00ab\u00bb\u201c-\u201f]")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one sentence; all lists have the same length. Doubled words stand once."""

    raw: list[str]
    """Lower case, accents kept: verb endings need them."""
    keys: list[str]
    """Lower case without accents and apostrophes: what lexicons are looked up with."""
    starts: list[int]
    """Offset in the sentence."""
    ends: list[int]
    breaks: list[int]
    """What stands before the word: 0 nothing, 1 a comma or a quotation mark, 2 something that ends a clause."""


def fold(word: str) -> str:
    """The key of a word.

    >>> fold("Verità"), fold("straße"), fold("зв'язок")
    ('verita', 'strasse', 'звязок')
    """
    return word.casefold().translate(FOLD)


def split(sentence: str) -> Words:
    """The words of a sentence, without the repetitions ("ha ha inviato", "di armi di armi") of machine translation."""
    words = Words([], [], [], [], [])
    raws, keys, starts, ends, breaks = words.raw, words.keys, words.starts, words.ends, words.breaks
    end = 0
    last = before = third = ""
    parts = _WORDS.split(sentence)  # what stands between words and the words, in turn: faster than a match for each
    for between, word in zip(parts[::2], parts[1::2], strict=False):
        start = end + len(between)
        end = start + len(word)
        raw = word.casefold()
        key = raw if raw.isascii() else raw.translate(FOLD)
        pause = 0
        if between and between != " ":
            pause = 2 if _strong(between, last) else 1 if WEAK.search(between) else 0
        if not pause and last == key and not key.isdigit():
            continue
        if not pause and key == before and last == third and last:
            # the second word of a doubled pair: the pair goes
            for column in (raws, keys, starts, ends, breaks):
                del column[-1:]
            last, before, third = before, third, ""
            continue
        raws.append(raw)
        keys.append(key)
        starts.append(start)
        ends.append(end)
        breaks.append(pause)
        third, before, last = before, last, key
        if len(keys) >= LONGEST:
            break
    return words


def _strong(between: str, last: str) -> bool:
    """Whether punctuation ends a clause; the dot of an abbreviation ("U.S.", "Gen. Smith") does not."""
    if between.startswith(".") and 0 < len(last) <= 4:
        between = between[1:]
    return STRONG.search(between) is not None
