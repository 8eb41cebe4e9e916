"""Characters that no reader sees are taken out; nothing else changes."""

import re
import unicodedata

_NEWLINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # controls, without tab and newline
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, direction marks
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"  # lone surrogates, noncharacters, tags
)
# Joiners are spelling in Arabic and Indic scripts, and noise elsewhere.
_JOINER = re.compile("(?<![\u0600-\u08ff\u0900-\u0dff])[\u200c\u200d]|[\u200c\u200d](?![\u0600-\u08ff\u0900-\u0dff])")
_PILE = re.compile(r"[^\w\s]{31,}")
_PILE_LIMIT = 30  # Unicode's own "stream-safe" limit (UAX 15)


def normalise(raw: str) -> str:
    """`raw` in NFC with a newline for every line ending and a plain space for every exotic one, the unseen removed.

    Spaces are replaced one for one and never collapsed, so that offsets into clean input stay valid.
    """
    text = _NEWLINES.sub("\n", raw)
    text = _SPACES.sub(" ", _UNSEEN.sub("", text))
    if "\u200c" in text or "\u200d" in text:
        text = _JOINER.sub("", text)
    if unicodedata.is_normalized("NFC", text):
        return text
    # Sorting a pile of combining marks takes quadratic time: piles are capped before, never after.
    return unicodedata.normalize("NFC", _PILE.sub(_flatten, text))


def _flatten(pile: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in pile.group():
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _PILE_LIMIT:
            kept.append(character)
    return "".join(kept)
