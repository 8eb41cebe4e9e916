"""Whatever arrives, the document keeps its laws."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream import text
from tests import laws
from tests.properties import hostile

_WORDS = st.sampled_from(
    [
        "Rossi",
        "ha",
        "detto",
        "U.S.",
        "on.",
        "3.",
        "«Sì.»",
        "www.a.org",
        "Київ",
        "р.",
        "。",
        "？",
        "Leggi anche:",
        "Ora in riproduzione",
    ]
)
_MARKUP = st.sampled_from(
    ["<p>", "</p>", "<br>", "<b>x</b>", "<div ", "<3", "&amp;", "&lt;", "p&gt;", "&#60;", "&nbsp;", "<script>", "<!--"]
)
_SPACE = st.sampled_from([" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u200b", "\x00", "\ufeff", ""])
_MARK = st.sampled_from([".", "!", "?", "...", "…", ",", ":", '"', ")", "»", "—", "\u0301", "\ud800"])
_ARTICLE = st.lists(st.one_of(_WORDS, _MARKUP, _SPACE, _MARK, st.text(max_size=5)), max_size=60).map("".join)
_PLAIN = st.lists(st.one_of(_WORDS, _SPACE, _MARK), max_size=60).map("".join)
_TITLE = st.none() | _ARTICLE


@settings(deadline=None)
@given(title=_TITLE, raw=_ARTICLE, limit=st.integers(min_value=1, max_value=200))
def test_sentences_index_the_document(title: str | None, raw: str, limit: int) -> None:
    """Never an exception; offsets index the text, in order, outside the furniture; nothing is longer than allowed."""
    laws.of_a_document(document := text.clean(title, raw, max_chars=limit))

    assert len(document.text) <= limit


@settings(deadline=None)
@given(title=_TITLE, raw=_ARTICLE)
def test_cleaning_what_is_clean_changes_nothing(title: str | None, raw: str) -> None:
    """A record that passes through twice keeps its text, its sentences and its furniture."""
    once = text.clean(title, raw)

    assert text.clean(once.title, once.text) == once


@settings(deadline=None)
@given(raw=_PLAIN)
def test_every_word_is_told_or_furniture(raw: str) -> None:
    """Splitting loses no letter: each is in a sentence or in the furniture."""
    document = text.clean(None, raw)
    covered = {i for s in document.sentences for i in range(s.start, s.end)}
    covered |= {i for start, end in document.furniture for i in range(start, end)}

    assert [character for i, character in enumerate(document.text) if character.isalnum() and i not in covered] == []


@settings(deadline=None)
@given(raw=_ARTICLE)
def test_a_split_title_is_one_line_of_the_text(raw: str) -> None:
    """Title and rest are both there in the input, and neither is empty where there is a title."""
    title, rest = text.split_title(raw)

    assert title is None or ("\n" not in title and title and rest)


@settings(deadline=None)
@given(title=st.none() | hostile.texts, raw=hostile.texts)
def test_hostile_text_keeps_the_laws(title: str | None, raw: str) -> None:
    """Markup soup, controls, marks and emoji, a thousand times: offsets index the text, and cleaning it again changes nothing."""
    laws.of_cleaning(title, raw)
