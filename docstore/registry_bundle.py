"""``RegistryBundle`` under the name that users of Ax know."""

from docstore.registry.bundle import RegistryBundle

__all__ = ["RegistryBundle"]
