"""What the encoder says of each word: a name (BIO), the trigger of an event, how real that is, and who takes part."""

from __future__ import annotations

from stream.records import EVENT_TYPES, Modality

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
EVENTS = ("O", *(kind.value for kind in EVENT_TYPES))
MODALITIES = tuple(one.value for one in Modality)
ROLES = ("actor", "recipient")
SIZES = {"names": len(NAMES), "events": len(EVENTS), "modalities": len(MODALITIES), "roles": len(ROLES)}
"""Columns of the logits, in this order."""

WEIGHTS = {"names": 1.0, "events": 1.5, "modalities": 0.3, "roles": 0.3}
"""What each of them counts in what a training minimises."""
