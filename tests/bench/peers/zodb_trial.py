"""The class of ZODB's trials: pickles name it by its module."""

from persistent import Persistent


class Trial(Persistent):
    """A trial whose members are its attributes."""
