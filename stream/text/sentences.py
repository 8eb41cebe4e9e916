"""Where sentences begin and end, by rules that hold in many languages."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

Span = tuple[int, int]

MAX_SENTENCE = 1_000
"""Longer sentences are cut at a weaker boundary."""

_QUOTES_AFTER = "\"'”’»›“«‹)\\]」』）】"
_ALWAYS = "。！？｡؟۔।॥።។"
# Possessive, and it begins with a set: a run of a million stops is one match, and the search between stops is fast.
_STOP = re.compile(rf"[.!?…{_ALWAYS}]++[{_QUOTES_AFTER}]*+(?: [»›](?=\s|$))?")
_UNSPACED = re.compile(r"(?<=[^\W\d_]{4})\.(?=[^\W\d_]{4})")
_NEXT = re.compile(r"[\s\"'“”„«»‹›‘’(\[¿¡*•–—-]*(\w?)(\w*)")
_LAST_WORD = re.compile(r"[\w./-]*$")  # not the article that is elided before it: "l'on. Bianchi"
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ROMAN = re.compile(r"[IVX]{1,5}")
_ORDINAL_CUE = re.compile(
    r"(?:^|\s)(?:am|ab|bei|beim|bis|das|dem|den|der|des|die|dieser|ihr|ihre|ihrem|ihren|im|in|seit|seine|seinem|seinen|und|vom|vor|zum|zur)"
    r"\s\d{1,2}$",
    re.IGNORECASE,
)
_WEAK = (re.compile(r"[;:]\s"), re.compile(r"[,،、，]\s?"), re.compile(r"\s"))
_WORD = re.compile(r"\w")


def split(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of ``text[start:end]``, a paragraph, as spans without surrounding space.

    Every character that is no space is in one span, except where a stretch has no letter and no digit at all.
    """
    begin = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() >= end or _ends(text, begin, stop):
            yield from _pieces(text, begin, stop.end())
            begin = stop.end()
    yield from _pieces(text, begin, end)


def _ends(text: str, begin: int, stop: re.Match[str]) -> bool:
    mark = stop.group()
    if mark[0] in _ALWAYS:
        return True
    at, end = stop.span()
    if not text[end].isspace():  # scraped copy loses the space: "is over.The army"
        unspaced = mark == "." and _UNSPACED.match(text, at)
        return bool(unspaced) and text[at - 4 : at].islower() and text[end].isupper() and text[end + 1 : end + 4].islower()
    after = _NEXT.match(text, end, end + 60)
    first, following = (after.group(1), after.group(1) + after.group(2)) if after else ("", "")
    initial = after is not None and len(following) == 1 and text[after.end() : after.end() + 1] == "."
    if first.islower():
        return False
    if mark != "." or not first:
        return True
    return _full_stop(text, begin, at, following, initial=initial)


def _full_stop(text: str, begin: int, at: int, following: str, *, initial: bool) -> bool:
    """Whether the single ``.`` at `at` ends a sentence, `following` being the next word, or the `initial` of a name."""
    before = text[max(begin, at - 40) : at]
    found = _LAST_WORD.search(before)
    word = found.group().strip("-") if found else ""
    folded = word.casefold()
    words = _words()
    if following[0].isdigit():
        return folded not in words["number"]
    elided = word.capitalize() if before[: len(before) - len(word)].endswith(("'", "’")) else word  # "l'on. Bianchi"
    if folded in words["title"] or elided in words["title"]:
        return False
    if folded in words["unit"] and before[: -len(word)].rstrip()[-1:].isdigit():
        return True
    starter = not initial and following.casefold() in words["starter"]
    if folded in words["maybe"] or word in words["maybe"] or folded in words["unit"] or _DOTTED.fullmatch(word):
        return starter
    if (len(word) == 1 and word.isupper()) or _ROMAN.fullmatch(word):
        return starter
    if word.isdigit() and len(word) <= 2:
        return following.casefold() not in words["month"] and not _ORDINAL_CUE.search(before)
    return True


@cache
def _words() -> dict[str, frozenset[str]]:
    """The word lists of ``stream/assets/text/words.txt`` by kind, read once."""
    kinds: dict[str, set[str]] = {}
    source = (resources.files("stream") / "assets" / "text" / "words.txt").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line and not line.startswith("#"):
            kind, _, words = line.partition("\t")
            kinds.setdefault(kind, set()).update(words.split())
    return {kind: frozenset(words) for kind, words in kinds.items()}


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """``text[start:end]`` without surrounding space, cut where it is too long, left out where it says nothing."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE:
        cut = _weak_boundary(text, start)
        yield from _pieces(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if _WORD.search(text, start, end):
        yield start, end


def _weak_boundary(text: str, start: int) -> int:
    for pattern in _WEAK:
        ends = [found.end() for found in pattern.finditer(text, start + MAX_SENTENCE // 2, start + MAX_SENTENCE)]
        if ends:
            return ends[-1]
    return start + MAX_SENTENCE
