"""Tags made regular, so that what is counted here is what the parser sees; and those that are built to exhaust it, recognised."""

import re

_NAME = r"/?[a-z][a-z0-9:-]*+"
_VALUE = r"""(?:"[^"]{0,2000}+"|'[^']{0,2000}+'|[^\s"'=<>`]++)"""
_ATTRIBUTES = rf"""(?:\s++[^\s"'<>/=]++(?:\s*+=\s*+{_VALUE})?+){{0,200}}+"""
# Possessive throughout: a million letters after a "<" are read once.
_TAG = re.compile(rf"<(?:({_NAME})({_ATTRIBUTES})\s*+/?>|({_NAME})[^<>]*+>|(?=/?[a-z]))", re.IGNORECASE)
_REGULAR = re.compile(r"<(/?)([a-z][a-z0-9:-]*+)[^<>]*+>", re.IGNORECASE)

_MAX_TAGS = 20_000
_MAX_DEPTH = 128
_MAX_STYLES = 6
_STYLES = frozenset("b big code em font i nobr s small strike strong tt u".split())
_NEVER_DEEP = frozenset("area br col dd dt hr img input li link meta option p td th tr wbr".split())


def regular(source: str) -> str:
    """`source` with every tag ended where it seems to end, whoever reads it.

    A tag with angle brackets in its attributes, with more of them than a reader could need or with none that can be read
    loses them: the time that a parser takes grows with the square of their number. What only begins like a tag is text, and
    the options of a form are no tags at all: their time grows like that as well.
    """
    return _TAG.sub(_regular, source)


def _regular(tag: re.Match[str]) -> str:
    name, attributes, bare = tag.groups()
    if name is None and bare is None:
        return "&lt;"
    if (name or bare).lower().strip("/") == "option":
        return ""
    if name is None:
        return f"<{bare}>"
    return f"<{name}>" if "<" in attributes or ">" in attributes else tag.group()


def few_styles(source: str) -> str:
    """Regular `source`; where it has many different styles (bold, italics, colours), without any.

    They say nothing, and a parser opens those that were left open again, three of each, in every paragraph that follows:
    of two hundred kilobytes it makes millions of nodes.
    """
    styles = {tag.group().lower() for tag in _REGULAR.finditer(source) if tag.group(2).lower() in _STYLES}
    if len([style for style in styles if style[1] != "/"]) <= _MAX_STYLES:
        return source
    return _REGULAR.sub(lambda tag: "" if tag.group(2).lower() in _STYLES else tag.group(), source)


def are_a_bomb(source: str) -> bool:
    """Whether the tags of regular `source` are more, or lie deeper in each other, than those of any page."""
    depth = 0
    for count, tag in enumerate(_REGULAR.finditer(source)):
        if tag.group(2).lower() not in _NEVER_DEEP:
            depth = max(0, depth - 1) if tag.group(1) else depth + 1
        if depth > _MAX_DEPTH or count > _MAX_TAGS:
            return True
    return False
