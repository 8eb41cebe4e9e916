"""Lines joined into paragraphs: a line break ends a sentence, unless the text was wrapped by machine."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_LINE = re.compile(r"[^\n]+")
_BLANK = re.compile(r"\n[^\S\n]*\n")
_SENTENCE_END = re.compile(r"[.!?…:;。！？؟।][\"'”’»›“)\]]*$")
_BULLET = re.compile(r"(?:[-–—*•·▪]|\d{1,2}[.)])\s")
_FIRST_WORD = re.compile(r"\S+")
_MIN_WRAP = 45
_MAX_WRAP = 130


def lines(text: str) -> list[Span]:
    """The lines of `text` that are not blank, without surrounding space."""
    found = []
    for line in _LINE.finditer(text):
        content = line.group()
        stripped = content.strip()
        if stripped:
            start = line.start() + len(content) - len(content.lstrip())
            found.append((start, start + len(stripped)))
    return found


def blocks(text: str, skipped: list[Span]) -> Iterator[Span]:
    """The paragraphs of `text`, without the `skipped` lines: spans that no sentence crosses."""
    left_out = set(skipped)
    for group in _groups(text, [line for line in lines(text) if line not in left_out]):
        width = max(end - start for start, end in group)
        start, end = group[0]
        for following in group[1:]:
            if not _continues(text, (start, end), following, width):
                yield start, end
                start = following[0]
            end = following[1]
        yield start, end


def _groups(text: str, spans: list[Span]) -> Iterator[list[Span]]:
    """Lines with neither a blank line nor anything else between them."""
    group: list[Span] = []
    for span in spans:
        if group and text[group[-1][1] : span[0]].count("\n") > 1:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _continues(text: str, before: Span, following: Span, width: int) -> bool:
    """Whether the line `following` goes on with the sentence in which `before` ended."""
    line = text[max(text.rfind("\n", before[0], before[1]) + 1, before[0]) : before[1]]
    if _BULLET.match(text, following[0]) or text[following[0] - 1] != "\n":  # an indented line opens a paragraph
        return False
    if text[following[0]].islower():
        return not _SENTENCE_END.search(line)
    word = _FIRST_WORD.match(text, following[0], following[1])
    would_fit = len(line) + 1 + len(word.group() if word else "") <= width
    return len(line) >= _MIN_WRAP and width <= _MAX_WRAP and not would_fit
