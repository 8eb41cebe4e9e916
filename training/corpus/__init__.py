"""The corpus written for this project: one file a language, in the mark-up of the README beside it."""
