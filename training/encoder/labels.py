"""What the encoder says of each word: a name (BIO), the trigger of an event, how real that is, and who takes part."""

from __future__ import annotations

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
EVENTS = (
    "O",
    *"AGREE CONSULT SUPPORT CONCEDE COOPERATE AID RETREAT REQUEST".split(),
    *"ACCUSE REJECT THREATEN PROTEST SANCTION MOBILIZE COERCE ASSAULT".split(),
)
MODALITIES = ("asserted", "future", "hypothetical", "negated", "historical")
ROLES = ("actor", "recipient")
SIZES = {"names": len(NAMES), "events": len(EVENTS), "modalities": len(MODALITIES), "roles": len(ROLES)}
"""Columns of the logits, in this order."""
