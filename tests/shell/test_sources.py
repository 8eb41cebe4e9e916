"""What a file holds, as message values."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from stream import sources


def _values(name: str, data: bytes, form: sources.Form = "auto") -> list[bytes]:
    return list(sources.values(name, io.BytesIO(data), form=form))


def test_ndjson_is_an_article_a_line() -> None:
    """Blank lines and Windows line ends do no harm; a bad line is handed on, for the pipeline to refuse."""
    assert _values("a.ndjson", b'{"text":"a"}\r\n\n{bad\n') == [b'{"text":"a"}', b"{bad"]


def test_plain_text_is_one_article_whose_first_line_is_the_title() -> None:
    """As agencies send it."""
    (value,) = _values("a.txt", b"Kyiv\n\nThe city is quiet.")

    article = json.loads(value)
    assert article["title"] == "Kyiv"
    assert "quiet" in article["text"]


def test_text_that_is_not_utf8_is_left_to_the_pipeline() -> None:
    """It becomes a rejection with its reason, not an exception here."""
    assert _values("a.txt", b"caf\xe9") == [b"caf\xe9"]


@pytest.mark.parametrize(
    ("data", "count"),
    [(b'{"text":"a"}\n{"text":"b"}\n', 2), (b"Kyiv\nThe city is quiet.\nStill.", 1), (b"", 0), (b"\n\n", 0)],
)
def test_standard_input_is_recognised_by_its_first_byte(data: bytes, count: int) -> None:
    """A brace begins NDJSON, anything else is text; nothing is nothing."""
    assert len(_values("-", data)) == count


def test_a_json_file_is_one_raw_value_and_gz_is_unpacked(tmp_path: Path) -> None:
    """The refused seeds are stored like that."""
    path = tmp_path / "odd.json.gz"
    path.write_bytes(gzip.compress(b"\xff\n\xfe"))

    with sources.open_input(str(path), standard_input=io.BytesIO()) as stream:
        assert list(sources.values(path.name, stream)) == [b"\xff\n\xfe"]


def test_an_empty_raw_file_is_an_empty_value() -> None:
    """Zero bytes are a message too."""
    assert _values("empty.json", b"") == [b""]
