"""The commands that look: nothing is written."""
