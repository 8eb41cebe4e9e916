"""Raw input becomes clean text, its sentences and their offsets."""

from stream import text


def test_clean_input_keeps_every_character() -> None:
    """Whoever has offsets into clean input can use them on the document: two spaces stay two spaces."""
    raw = "Il ministro  Rossi chiede aiuti.\n\n\tEra ora, dice."

    document = text.clean("Un titolo", raw)

    assert document.text == raw
    assert [s.text for s in document.sentences] == ["Un titolo", "Il ministro  Rossi chiede aiuti.", "Era ora, dice."]
