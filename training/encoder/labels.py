"""What the encoder says of each word: a name (BIO), the trigger of an event, how real that is, and who takes part.

And, of each sentence, what its words together say: the types of the events that it tells of, and the field of life. Each word has
a vote, and a weight in the mean of the votes.
"""

from __future__ import annotations

from stream.entities import encoder
from stream.evaluation import corpus
from stream.records import EVENT_TYPES, Modality

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
EVENTS = ("O", *(kind.value for kind in EVENT_TYPES))
MODALITIES = tuple(one.value for one in Modality)
ROLES = ("actor", "recipient")
FIELDS = corpus.ASIDE
TOLD = (*EVENTS[1:], *FIELDS)
SIZES = {
    "names": len(NAMES),
    "events": len(EVENTS),
    "modalities": len(MODALITIES),
    "roles": len(ROLES),
    "told": len(TOLD),
    "weighing": 1,
}
"""Columns of the logits, in this order."""
HEADS = tuple(SIZES)
assert HEADS == encoder.HEADS, "the service looks for the columns in this order"

WEIGHTS = {"names": 1.0, "events": 1.5, "modalities": 0.3, "roles": 0.3, "told": 6.0}
"""What each of them counts in what a training minimises."""
