"""Merging two writers' changes of one document: three-way merge, trial identity, semantic conflicts."""
