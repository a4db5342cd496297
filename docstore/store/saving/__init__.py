"""Saving: from the local changes of an object to a committed version, and the object brought up to date."""
