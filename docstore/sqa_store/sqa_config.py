"""What the functions of this package need to know beside the experiment, under the seed's name."""

from docstore.registry.bundle import SQAConfig

__all__ = ["SQAConfig"]
