"""Whether objects lose nothing by being stored: ``proving`` tries, ``variation`` varies, ``exact`` compares."""

from docstore.registry.proof.proving import prove

__all__ = ["prove"]
