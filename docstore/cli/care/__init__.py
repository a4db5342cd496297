"""The commands that care for a database: made, checked, looked through, kept small."""
