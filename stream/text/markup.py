"""HTML is reduced to its readable text; plain text is left alone."""

import html
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from stream.text import characters, tags

_TAGS = (
    "a|abbr|address|article|aside|b|blockquote|body|br|center|cite|code|dd|div|dl|dt|em|figcaption|figure|font|footer|form|"
    "h[1-6]|head|header|hr|html|i|iframe|img|li|main|meta|nav|ol|p|pre|q|s|script|section|small|span|strong|style|sub|sup|"
    "table|tbody|td|th|thead|time|title|tr|u|ul|video"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_PROOF = re.compile(
    rf"<!doctype\s+html|</(?:{_TAGS})\s*>|<(?:html|body|br|hr)\s*/?>|<(?:a|div|html|img|p|span)\s+[a-z-]+\s*=[^<>]*>"
    r"|<(?:div|p)>[^<]*<(?:div|p)>",
    re.IGNORECASE,
)
_ANY_TAG = re.compile(r"<[a-z/!?][^<>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_MAX_ROUNDS = 5
_DROPPED = (
    "script,style,noscript,template,iframe,object,embed,svg,canvas,audio,video,head,title,nav,aside,footer,form,button,select,"
    "textarea,dialog,figure,figcaption,[hidden],.caption,.wp-caption,.wp-caption-text,.newsletter,.read-also,.related,"
    ".related-articles,.share,.social-share"
)
_BLOCKS = (
    "address,article,blockquote,center,dd,div,dl,dt,fieldset,h1,h2,h3,h4,h5,h6,header,hr,li,main,ol,p,pre,section,table,tr,ul"
)
_BLOCK_MARK = "\x01"  # control characters are removed from input first, so these can only be ours
_LINE_MARK = "\x02"
_BLANK = re.compile(r"\s+")
_BREAKS = re.compile(rf" ?[{_BLOCK_MARK}{_LINE_MARK}][{_BLOCK_MARK}{_LINE_MARK} ]*")


def readable(text: str) -> str:
    """The readable text of `text`: its paragraphs where it really is HTML, itself where it is not.

    Entities that were left over in plain text are decoded. What comes out is never HTML again: `readable` of it is itself.
    """
    if "&" not in text and "<" not in text:
        return text
    for _ in range(_MAX_ROUNDS):  # HTML is sometimes escaped within HTML
        before = text
        text = characters.normalise(_decode_entities(text))
        if is_html(text):
            text = characters.normalise(_reduce(text))
        if text == before:
            return text
    while is_html(text):
        text = _ANY_TAG.sub(" ", text)
    return text


def is_html(text: str) -> bool:
    """Whether `text` carries real tags; ``a < b``, ``<3`` and a lone ``<name>`` are no tags."""
    return "<" in text and _PROOF.search(text) is not None


def _decode_entities(text: str) -> str:
    """`text` with every well-formed entity decoded, those that were escaped twice included."""
    return _ENTITY.sub(_decode, text) if "&" in text else text


def _decode(entity: re.Match[str]) -> str:
    character = html.unescape(f"&{entity.group(1)};")
    # Nobody needs to escape these: decoding them could only forge another entity.
    forging = character.isascii() and (character.isalnum() or character in "#;") and entity.group(1).startswith("#")
    return entity.group() if forging else character


def _reduce(source: str) -> str:
    source = tags.few_styles(tags.regular(source))
    if tags.are_a_bomb(source):
        return _ANY_TAG.sub(" ", source)
    tree = LexborHTMLParser(source)
    root = tree.css_first("article") or tree.css_first("main")
    if root is None:
        root = tree.body
        for header in tree.css("body > header"):
            header.decompose()
    if root is None:
        return _ANY_TAG.sub(" ", source)
    return _text_of(root)


def _text_of(root: LexborNode) -> str:
    for node in root.css(_DROPPED):
        node.decompose()
    for node in root.css(_BLOCKS):
        node.insert_before(_BLOCK_MARK)
        node.insert_after(_BLOCK_MARK)
    for node in root.css("br"):
        node.insert_before(_LINE_MARK)
    for node in root.css("td,th"):
        node.insert_after(" ")
    return _BREAKS.sub(_break, _BLANK.sub(" ", root.text())).strip()


def _break(marks: re.Match[str]) -> str:
    return "\n" if marks.group().strip() == _LINE_MARK else "\n\n"
