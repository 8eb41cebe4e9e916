"""Words cut into pieces as the encoder was trained with them: the ids are those that the library `tokenizers` gave."""

from __future__ import annotations

import pytest

from stream import entities
from stream.entities.pieces import Pieces
from stream.entities.segments import Segment

CUT = {
    "Zaporizhzhia": (43194, 7726, 123, 22391, 11),
    "dell": (1237,),
    "Міністерство": (54691,),
    "Straßenbahnhaltestelle": (39444, 29214, 29796, 21965),
    "諸葛亮": (6, 3, 3, 3),
    "x諸y": (795, 3, 50),
}


@pytest.fixture(scope="module")
def pieces() -> Pieces:
    """Those of the bundled encoder."""
    return Pieces(entities.BUNDLED)


@pytest.mark.parametrize("word", CUT)
def test_a_word_is_cut_into_its_likeliest_pieces(pieces: Pieces, word: str) -> None:
    """Known words are one, others several, and each unknown character is one of its own."""
    assert pieces.ids(Segment(0, len(word), word, glued=False)) == CUT[word]


def test_a_glued_mark_has_no_space_before_it(pieces: Pieces) -> None:
    """A comma after a word is another piece than one that stands alone."""
    assert pieces.ids(Segment(5, 6, ",", glued=True)) == (4,)
    assert pieces.ids(Segment(5, 6, ",", glued=False)) != (4,)


def test_a_word_that_is_a_piece_is_never_cut() -> None:
    """Which spares the search for most words: of all pieces that end in a letter or digit, each is its own likeliest way."""
    pieces = Pieces(entities.BUNDLED)

    cut = [piece for piece, number in pieces._ids.items() if piece[-1].isalnum() and pieces._cut(piece) != [number]]

    assert cut == []
