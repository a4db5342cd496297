"""JSON documents: kinds, canonical text, digests, patches, merges and history. No objects and no SQL."""
