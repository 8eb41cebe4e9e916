"""The bundled models, loaded once in a process of tests."""

from __future__ import annotations

from functools import cache

from stream import outcome, pipeline


@cache
def models() -> pipeline.Models:
    """All of them, with the options that a user who chooses nothing has."""
    return pipeline.load(outcome.Options())
