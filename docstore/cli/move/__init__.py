"""The commands that move documents: into files and databases, and back."""
