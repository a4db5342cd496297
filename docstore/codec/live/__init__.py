"""An object in memory: its parts one by one, and the object brought up to a newer state in place."""
