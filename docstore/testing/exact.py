"""When two values are exactly the same: by type, bits, zone and contents, where ``==`` forgives too much."""

from docstore.registry.proof.exact import identity

__all__ = ["identity"]
