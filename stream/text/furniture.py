"""Lines of the page around an article that got into its text: teasers, credits, buttons, notices."""

import re
from functools import cache
from importlib import resources

Span = tuple[int, int]

_MAX_LINE = 300
_MAX_TAIL = 160
_MAX_PHRASE = 8  # words
_DECORATION = " \t*•·–—-_=>»«<→►▶▸|#[](){}\"'“”„:.…!©®"
_SEPARATOR = re.compile(r"\s*(?:[:|→►▶]|\s[–—-]\s)\s*")
_ARROW = re.compile(r"(?:>>+|[►▶▸→])\s*\S")  # never »: German quotations begin with it
_NOTICE = re.compile(r"(?:©|\(c\)|copyright\s+(?:©|\(c\)|\d{4}))", re.IGNORECASE)
_SIGN_OFF = re.compile(r"\((?:additional )?(?:reporting|writing|editing) by [^()]+\)\.?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’»›“)\]]*$")
_NO_WORDS = re.compile(
    r"(?:https?://\S+|www\.\S+|\d{1,2}:\d{2}(?::\d{2})?(?:\s*/\s*\d{1,2}:\d{2}(?::\d{2})?)?|\d{1,3}\s*/\s*\d{1,3}|[\W_]+)"
)
_SPACE = re.compile(r"\s+")


def find(text: str, lines: list[Span], title: str | None) -> list[Span]:
    """Those of `lines` (spans of `text`, stripped, none empty) that are page furniture.

    A text of one line has none, and neither has one in which nothing else would be left.
    """
    heading = _bare(title) if title else ""
    found: list[Span] = []
    seen: set[str] = set()
    teaser = False
    for position, (start, end) in enumerate(lines):
        if end - start > _MAX_LINE:
            teaser = False
            continue
        line = text[start:end]
        kind = _kind(line)
        headline = not _SENTENCE_END.search(line) and end - start <= _MAX_TAIL
        bare = _bare(line)
        repeated = headline and (bare in seen or (bare == heading and len(bare) > 9))
        taken = teaser and headline and position + 1 < len(lines)
        if kind or repeated or taken:
            found.append((start, end))
        seen.add(bare)
        teaser = kind == "label"
    return found if len(found) < len(lines) else []


def is_exact(sentence: str) -> bool:
    """Whether a whole sentence within a line is nothing but a known phrase, as in flattened copy: "Now watching."."""
    return len(sentence) < 80 and _phrases().get(_bare(sentence)) in {"line", "label"}


def _kind(line: str) -> str | None:
    """What sort of furniture `line` is: ``label`` announces another line, the rest stand alone; None for none."""
    if _NO_WORDS.fullmatch(line) or _SIGN_OFF.fullmatch(line):
        return "line"
    if len(line) <= _MAX_TAIL and (_NOTICE.match(line) or (_ARROW.match(line) and not _SENTENCE_END.search(line))):
        return "line"
    bare = _bare(line)
    phrases = _phrases()
    kind = phrases.get(bare)
    if kind in {"line", "label", "credit", "start", "end"}:
        return kind
    head, tail = _cut(line)
    if tail and len(tail) <= _MAX_TAIL and phrases.get(_bare(head)) in {"label", "credit"}:
        return "line"
    words = bare.split(" ")
    for count in range(1, min(len(words), _MAX_PHRASE) + 1):
        prefix = " ".join(words[:count])
        kind = phrases.get(prefix.rstrip("?!,.:;"))
        if kind == "start":
            return "line"
        if kind == "label" and count > 1 and line[: len(prefix)].isupper() and not line.isupper():
            return "line"
        if len(bare) <= _MAX_TAIL and phrases.get(" ".join(words[-count:])) == "end":
            return "line"
    return None


def _cut(line: str) -> tuple[str, str]:
    separator = _SEPARATOR.search(line)
    return (line[: separator.start()], line[separator.end() :]) if separator else (line, "")


def _bare(line: str) -> str:
    return _SPACE.sub(" ", line.strip(_DECORATION)).casefold()


@cache
def _phrases() -> dict[str, str]:
    """Known phrases of ``stream/assets/text/furniture.txt`` and their kind, read once."""
    source = (resources.files("stream") / "assets" / "text" / "furniture.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in source.splitlines() if line and not line.startswith("#"))
    return {_bare(phrase): kind for kind, phrase, _example in rows}
