"""A page of figures: one section a gold set, each written by the run that measured it, beside prose that people wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is a figure."""
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in cells)} |" for cells in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def write(path: Path, *, name: str, body: str) -> None:
    """Put a section into the page at `path`, in the place of the one of that name, else at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = path.read_text("utf-8") if path.exists() else f"# {path.stem.capitalize()}: how good they are\n"
    section = f"<!-- {name} -->\n\n{body.strip()}\n\n<!-- /{name} -->"
    pattern = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else f"{page.rstrip()}\n\n{section}\n"
    path.write_text(page, encoding="utf-8")
