"""The configuration that this package's functions take beside the experiment, under the seed's name."""

from docstore.registry.bundle import SQAConfig

__all__ = ["SQAConfig"]
