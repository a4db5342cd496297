"""The commands that change documents: saving, editing, renaming, deleting."""
