"""A database in a temporary file, so that topics of any length need no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stream.replay import ReplayError


@contextmanager
def scratch(schema: str) -> Iterator[sqlite3.Connection]:
    """An empty database, gone at the end; nobody else ever needs it, so nothing is done to make it last."""
    with TemporaryDirectory(prefix="newsstream-replay-") as folder:
        database = sqlite3.connect(Path(folder, "scratch.sqlite"))
        try:
            database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {schema}")
            yield database
        except sqlite3.Error as error:
            raise ReplayError(f"the temporary file in {folder}: {error} (TMPDIR chooses another place)") from error
        finally:
            database.close()
