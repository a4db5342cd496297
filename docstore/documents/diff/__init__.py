"""Diffs of two states of a document: JSON Patches, lines in its own terms, and tables of them."""
