"""Every entry of every lexicon has an example, and the example is believed only because it is run."""

from __future__ import annotations

import functools
from importlib import resources

import pytest

from stream import events
from stream.events import lexicon, tokens
from stream.records import Entity, EventType
from tests.events import naming

CAPACITY = 30
"""Failures that one assertion shows."""


@functools.cache
def models() -> events.Models:
    """The bundled lexicons."""
    return events.load()


LANGUAGES = sorted(
    one.name.removesuffix(".tsv")
    for one in resources.files("stream").joinpath("assets", "events").iterdir()
    if one.name.endswith(".tsv")
)
LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def _found(entry: lexicon.Entry, language: str) -> list[EventType]:
    document = naming.document(entry.example)
    entities: tuple[Entity, ...] = naming.entities(document, common=common(language), nouns=language == "de")
    found = events.find(document, entities, language=language, article_id="example", models=models())
    return [one.type for one in found]


def common(language: str) -> naming.Common:
    """Whether the lexicon knows a word as a common one: then a capital at the beginning of a sentence makes no name."""
    known = models().lexicons[language]

    def is_common(word: str) -> bool:
        hit = known.look_up(tokens.fold(word))
        return bool(hit.entries or hit.cues or any(not label.startswith("=") for label in hit.labels))

    return is_common


@LANGUAGE
def test_every_example_shows_what_its_entry_says(language: str) -> None:
    """An entry whose own example does not give its type is wrong, and so is a silencer that does not silence."""
    failed = []
    for entry in models().lexicons[language].entries:
        said = _found(entry, language)
        right = not said if entry.type is EventType.NONE else entry.type in said
        if not right:
            failed.append((entry.pattern, entry.type.value, entry.example, said))

    assert not failed[:CAPACITY]


@LANGUAGE
def test_a_lexicon_is_sorted_and_has_no_line_twice(language: str) -> None:
    """Sorted files merge without conflicts, and a pattern with two meanings needs two contexts."""
    text = resources.files("stream").joinpath("assets", "events", f"{language}.tsv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]

    assert lines == sorted(lines)
    assert len({tuple(line.split("\t")[i] for i in (0, 1, 4)) for line in lines}) == len(lines)


@LANGUAGE
def test_a_lexicon_covers_the_sixteen_types(language: str) -> None:
    """No language is silent about a whole kind of event."""
    said = {entry.type for entry in models().lexicons[language].entries}

    assert set(EventType) - {EventType.NONE} <= said


@pytest.mark.parametrize(
    ("word", "classes"),
    [
        ("a", {"any"}),
        ("ab", {"any", "short"}),
        ("abc", {"any", "short"}),
        ("abcd", {"any", "short", "long"}),
        ("abcde", {"any", "short", "long", "whole"}),
        ("abcdef", {"any", "short", "long", "longer"}),
        ("bcdef", set()),
    ],
)
def test_a_word_belongs_to_every_class_with_one_of_its_stems(word: str, classes: set[str]) -> None:
    """Short stems and long ones, whole words, and several at once."""
    stems = 'any = "a*"\nshort = "ab*"\nlong = "abcd*"\nwhole = "abcde"\nlonger = "abcdef*"'
    known = lexicon.read("xx", "", f'version = "1"\n[classes]\n{stems}\n[damp]\n[cues]\n[suffixes]\n')

    assert known.look_up(word).labels == classes


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("attack*\tASSAULT\tactive\t70\t-", "5 columns"),
        ("attack*\tFIGHT\tactive\t70\t-\tX.", "no event type"),
        ("attack*\tASSAULT\tverb\t70\t-\tX.", "no frame"),
        ("attack*\tASSAULT\tactive\t100\t-\tX.", "weight"),
        ("attack*\tASSAULT\tactive\t70\tgoal\tX.", "means nothing"),
        ("attack* ..\tASSAULT\tactive\t70\t-\tX.", "gap"),
        ("<dragons> attack\tASSAULT\tactive\t70\t-\tX.", "no class"),
        ("att*ck\tASSAULT\tactive\t70\t-\tX.", "star"),
    ],
)
def test_a_wrong_line_is_named(line: str, complaint: str) -> None:
    """Whoever writes a lexicon is told which line is wrong, and why."""
    words = '[classes]\npeople = "man"\n[damp]\n[cues]\n[suffixes]\n'.replace("[classes]", 'version = "1"\n[classes]')

    with pytest.raises(ValueError, match=f"xx.tsv line 1.*{complaint}"):
        lexicon.read("xx", line, words)
