"""``identity``, for the tests of users: whether two values are exactly the same, which ``==`` does not tell."""

from docstore.registry.proof.exact import identity

__all__ = ["identity"]
