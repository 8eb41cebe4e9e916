"""The mark-up of the corpus is read as its README says, and what is wrong in it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.evaluation import corpus

FOLDER = Path(__file__).parents[2] / "training" / "corpus"
LINE = "lead,two\tLa [NATO|ORG#1] ha {inviato armi|AID a=1 r=2} all'[Ucraina|LOC#2], che {accusa|ACCUSE a=2} [Mosca|LOC]."


def test_marks_become_offsets_into_the_plain_text() -> None:
    """Mentions, triggers and roles of the README's example."""
    example = corpus.parse(LINE, language="it")

    assert example.text == "La NATO ha inviato armi all'Ucraina, che accusa Mosca."
    assert [example.text[one.start : one.end] for one in example.mentions] == ["NATO", "Ucraina", "Mosca"]
    assert [(example.text[one.start : one.end], one.type, one.modality) for one in example.events] == [
        ("inviato armi", "AID", "asserted"),
        ("accusa", "ACCUSE", "asserted"),
    ]
    assert [(one.actors, one.recipients, one.places) for one in example.events] == [((1,), (2,), ()), ((2,), (), ())]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("lead La [NATO|ORG] tace.", "no tab"),
        ("[NATO|ORG]\tLa NATO tace.", "exactly one style"),
        ("lead,loud\tLa NATO tace.", "unknown tags"),
        ("lead\tLa [NATO|XXX] tace.", "no type of mention"),
        ("lead\tLa NATO {tace|SILENCE}.", "no type of event"),
        ("lead\tLa NATO {invia|AID maybe} armi.", "no modality"),
        ("lead\tLa NATO {invia|AID a=1} armi.", "no mention has the number 1"),
        ("lead\tLa [NATO|ORG tace.", "cannot be read"),
        ("lead,none\tLa [NATO|ORG] {invia|AID} armi.", "tagged none"),
        ("lead,two\tLa [NATO|ORG] {invia|AID} armi.", "tagged two"),
        ("lead\tLa  NATO tace.", "doubled"),
    ],
)
def test_a_wrong_line_is_named_for_what_is_wrong(line: str, complaint: str) -> None:
    """Each guard is seen to fail."""
    with pytest.raises(ValueError, match=complaint):
        corpus.parse(line, language="it")


def test_a_file_says_where_it_is_wrong(tmp_path: Path) -> None:
    """File and line stand in the message."""
    path = tmp_path / "it.txt"
    path.write_text(f"{LINE}\n\n# a comment\nlead\tLa [NATO|XXX] tace.\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"it\.txt:4: 'XXX'"):
        corpus.read(path)


def test_repetition_and_imbalance_are_found(tmp_path: Path) -> None:
    """Two sentences that say nearly the same, types that are missing, too few lines."""
    twin = LINE.replace("Mosca", "Minsk")
    (tmp_path / "it.txt").write_text(f"{LINE}\n{twin}\n", encoding="utf-8")

    found = "\n".join(corpus.problems(tmp_path, languages=("it",), least={"it": 2}))

    assert "lines 1 and 2 say nearly the same" in found
    assert "PROTEST stands 0 times" in found


def test_about_a_fifth_is_held_out_and_always_the_same_one() -> None:
    """By the text alone: marks may be corrected without moving a sentence."""
    examples = [corpus.parse(f"lead\tSentence {number} is quiet.", language="en") for number in range(1000)]

    share = sum(one.held_out for one in examples) / len(examples)

    assert 0.15 < share < 0.25


@pytest.mark.parametrize("language", corpus.LANGUAGES)
def test_the_corpus_is_well_formed_and_balanced(language: str) -> None:
    """Mark-up, size, balance and repetition of every file: what ``python -m training.corpus`` says."""
    assert corpus.problems(FOLDER, languages=(language,)) == []
