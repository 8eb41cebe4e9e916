"""What is in use, and on whose terms: pipelines, lists of names, lexicons, the language identifier (``newsstream models``)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stream import entities, pipeline
from stream.entities import pipelines
from stream.outcome import Options
from stream.records import ModelInfo

OWN = "Apache-2.0"
UNSTATED = "not stated"
_WIDTH = 130
_CLDR = "names of countries and cities: Unicode CLDR (Unicode licence), in Babel (BSD-3-Clause)"
_LISTS = {
    "gazetteer": (OWN, f"written for this project; {_CLDR}"),
    "cities": ("CC BY 4.0", "GeoNames"),
    "elsewhere": (OWN, f"written for this project; {_CLDR}"),
    "events_scorer": (OWN, "trained on the corpus written for this project"),
}
"""Licence and sources of what is no pipeline, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that has a say in what comes out."""

    use: str
    """``language``, ``entities`` or ``events``."""
    languages: tuple[str, ...]
    """Codes of the languages that it is used for; none where it is used for all, or for all but those of other pipelines."""
    name: str
    version: str
    licence: str
    source: str
    """By whom and from what it was made, as far as it says."""
    size: int | None = None
    """Bytes on disk."""
    labels: dict[str, str | None] = field(default_factory=dict)
    """What it recognises, and as what that comes out; None where it does not."""
    sha256: str


def items(options: Options) -> list[Item]:
    """Everything that the pipeline loads with these options; raises `ValueError` where something cannot be loaded."""
    models = pipeline.load(options)
    found = [_identifier(models.language.info)]
    loaded = models.entities
    for language, one in sorted(loaded.by_language.items()):
        found.append(_installed((language,), one))
    bundled = entities.ANY not in options.ner_models
    found.append(_bundled(loaded.other, entities.BUNDLED) if bundled else _installed((), loaded.other))
    pipes = {one.name for one in found}
    found += [_list("entities", info) for info in loaded.infos if info.name not in pipes]
    found += [_list("events", info) for info in models.events.infos]
    return found


def show(options: Options, *, as_json: bool) -> None:
    """Print the table, or a line of JSON for each item. Raises as `items`."""
    found = items(options)
    if as_json:
        for one in found:
            print(json.dumps(asdict(one), ensure_ascii=False))  # noqa: T201
        return
    out = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    table = Table("for", "languages", "name", "version", "size", "licence")
    others = "all others" if any(one.labels and one.languages for one in found) else "all"
    for one in _brief(found):
        size = "" if one.size is None else f"{one.size / 1e6:,.1f} MB"
        table.add_row(
            one.use, ", ".join(one.languages) or (others if one.labels else "all"), one.name, one.version, size, one.licence
        )
    out.print(table)
    for one in found:
        if one.labels:
            kept = ", ".join(label if label == kind else f"{label} → {kind}" for label, kind in one.labels.items() if kind)
            left = ", ".join(label for label, kind in one.labels.items() if kind is None)
            out.print(f"{one.name} recognises {kept or 'nothing'}{f'; left out: {left}' if left else ''}")
    for one in _brief(found):
        out.print(f"{one.name}: {one.source}")


def _brief(found: list[Item]) -> Iterator[Item]:
    """The items, those of one kind for many languages (the event lexicons) in one."""
    lexicons = [one for one in found if one.name.startswith(_LEXICON)]
    yield from (one for one in found if one not in lexicons)
    if lexicons:
        languages = tuple(code for one in lexicons for code in one.languages)
        versions = " ".join(sorted({one.version for one in lexicons}))
        first = lexicons[0]
        yield Item(
            use="events",
            languages=languages,
            name=f"{_LEXICON}*",
            version=versions,
            licence=first.licence,
            source=first.source,
            sha256="",
        )


_LEXICON = "events_lexicon_"


def _identifier(info: ModelInfo) -> Item:
    found = metadata.metadata(info.name)
    licence = next((found[key] for key in ("License-Expression", "License") if key in found), UNSTATED)
    files = metadata.files(info.name) or []
    size = sum(file.size or 0 for file in files)
    return Item(
        use="language",
        languages=(),
        name=info.name,
        version=info.version,
        licence=licence,
        source=f"the package {info.name}",
        size=size,
        sha256=info.sha256,
    )


def _bundled(one: pipelines.Pipeline, folder: Path) -> Item:
    """The encoder: its labels and licence from its description, its sources from its card."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    card = (folder / "README.md").read_text(encoding="utf-8")
    names = sorted({label[2:] for label in meta["labels"] if label != "O"})
    return Item(
        use="entities",
        languages=(),
        name=one.info.name,
        version=one.info.version,
        licence=meta["licence"],
        source=f"base: {_row(card, 'base')}; training data: {_row(card, 'training data')}",
        size=_size(folder),
        labels=_mapped(names),
        sha256=one.info.sha256,
    )


def _row(card: str, name: str) -> str:
    found = re.search(rf"^\| {name} \| (.+) \|$", card, re.MULTILINE)
    return found[1].replace("`", "") if found else UNSTATED


def _installed(languages: tuple[str, ...], one: pipelines.Pipeline) -> Item:
    meta: dict[str, Any] = one.nlp.meta
    labels = {label for pipe in one.nlp.pipe_names for label in one.nlp.pipe_labels.get(pipe, ())}
    sources = [
        ", ".join(str(source[key]) for key in ("name", "author", "license") if source.get(key)) for source in _sources(meta)
    ]
    said = [str(meta[key]) for key in ("author", "url") if meta.get(key)] + [source for source in sources if source]
    return Item(
        use="entities",
        languages=languages,
        name=one.info.name,
        version=one.info.version,
        licence=str(meta.get("license") or UNSTATED),
        source="; ".join(said) or UNSTATED,
        size=_size(one.nlp.path),
        labels=_mapped(sorted(labels)),
        sha256=one.info.sha256,
    )


def _sources(meta: dict[str, Any]) -> list[dict[str, Any]]:
    return [source for source in meta.get("sources") or () if isinstance(source, dict)]


def _mapped(labels: list[str]) -> dict[str, str | None]:
    kinds = {label: pipelines.entity_type(label) for label in labels}
    return {label: kind.value if kind is not None else None for label, kind in kinds.items()}


def _size(folder: Path | None) -> int | None:
    return None if folder is None else sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _list(use: str, info: ModelInfo) -> Item:
    lexicon = info.name.startswith(_LEXICON)
    licence, source = (OWN, "written for this project") if lexicon else _LISTS.get(info.name, (UNSTATED, UNSTATED))
    return Item(
        use=use,
        languages=(info.name.removeprefix(_LEXICON),) if lexicon else (),
        name=info.name,
        version=info.version,
        licence=licence,
        source=source,
        sha256=info.sha256,
    )
