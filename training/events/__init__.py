"""Event types: how the lexicons and the scorer are measured and trained."""
