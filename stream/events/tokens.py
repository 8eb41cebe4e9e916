"""A sentence as words that can be looked up: folded, with their offsets and the punctuation before each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 400
"""Words of a sentence that are looked at: no news sentence is longer, and work per sentence stays bounded."""

WORD = re.compile(r"[\u0400-\u04ff]+(?:['\u2019\u02bc`][\u0400-\u04ff]+)*|[^\W_]+")
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
    at = 0
    for found in WORD.finditer(sentence):
        start, end = found.span()
        raw = found.group().casefold()
        key = raw.translate(FOLD)
        between = sentence[at:start]
        at = end
        pause = 0
        if between != " ":
            pause = 2 if _strong(between, words) else int(WEAK.search(between) is not None)
        keys = words.keys
        if not pause and keys and keys[-1] == key and not key.isdigit():
            continue
        words.raw.append(raw)
        keys.append(key)
        words.starts.append(start)
        words.ends.append(end)
        words.breaks.append(pause)
        if not pause and len(keys) > 3 and keys[-2:] == keys[-4:-2]:
            for column in (words.raw, keys, words.starts, words.ends, words.breaks):
                del column[-2:]
        if len(keys) >= LONGEST:
            break
    return words


def _strong(between: str, words: Words) -> bool:
    """Whether punctuation ends a clause; the dot of an abbreviation ("U.S.", "Gen. Smith") does not."""
    if between.startswith(".") and words.keys and len(words.keys[-1]) <= 4:
        between = between[1:]
    return STRONG.search(between) is not None
