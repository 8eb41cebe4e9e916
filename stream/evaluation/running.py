"""Gold sentences through the real pipeline, in this process."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import track

from stream import pipeline
from stream.outcome import Options
from stream.records import EnrichedArticle, Message


def enrich(texts: Iterable[str], *, options: Options, about: str) -> Iterator[EnrichedArticle | None]:
    """The enriched article of each text, in order; None where it was rejected. Shows its progress on a terminal.

    Args:
        texts: each becomes an article without a title.
        options: of the pipeline.
        about: what is measured, for the progress bar.

    """
    models = pipeline.load(options)
    now = datetime.now(UTC)
    shown = track(list(texts), description=about, console=Console(stderr=True), disable=not sys.stderr.isatty())
    for text in shown:
        message = Message(value=json.dumps({"text": text}, ensure_ascii=False).encode())
        first, *_ = pipeline.enrich(message, models=models, options=options, clock=time.perf_counter, now=now)
        yield first if isinstance(first, EnrichedArticle) else None
