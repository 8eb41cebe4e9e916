"""Articles for the real pipeline: short ones, made of the seeds, now and then with junk and poison among them."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from stream import text
from tests import stub

_SEEDS = Path(__file__).parents[2] / "seeds"
_SENTENCES = 3

_JUNK = (
    (b"no json", "not_json"),
    (b'{"text": 7}', "invalid"),
    (b"\xff\xfe", "not_utf8"),
    (b"{}", "invalid"),
    (b'{"text": "..."}', "no_text"),
)
_POISON = ((stub.CRASH, "crashed"), (stub.HANG, "timed_out"), (stub.RAISE, "crashed"))


def beginnings() -> tuple[tuple[str, str], ...]:
    """Title and first sentences of each seed article."""
    found = []
    for path in sorted(_SEEDS.glob("*.ndjson")):
        for line in path.read_text("utf-8").splitlines():
            article = json.loads(line)
            document = text.clean(article.get("title"), article["text"], max_chars=60_000)
            sentences = [one.text for one in document.sentences if one.field == "text"][:_SENTENCES]
            found.append((document.title or "", " ".join(sentences)))
    return tuple(found)


class Traffic:
    """What a feeder sends to the real pipeline; `junk` and `poison` are shares of the messages."""

    def __init__(self, chance: random.Random, *, junk: float = 0.0, poison: float = 0.0) -> None:
        self._articles = beginnings()
        self._chance = random.Random(chance.getrandbits(32))
        self._junk, self._poison = junk, poison
        self.expected: Counter[str] = Counter()
        """Rejections that must come, by reason."""

    def __call__(self, number: int) -> tuple[str | None, bytes]:
        """Key and value of a message."""
        key = f"a{number}"
        draw = self._chance.random()
        if draw < self._poison:
            marker, reason = self._chance.choice(_POISON)
            self.expected[reason] += 1
            return key, json.dumps({"id": key, "text": marker.decode()}).encode()
        if draw < self._poison + self._junk:
            value, reason = self._chance.choice(_JUNK)
            self.expected[reason] += 1
            return key, value
        title, body = self._chance.choice(self._articles)
        return key, json.dumps({"id": key, "title": title, "text": f"{body} ({number})"}, ensure_ascii=False).encode()
