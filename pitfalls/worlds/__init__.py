"""Worlds: a model, an annotated corpus and a lexicon."""
