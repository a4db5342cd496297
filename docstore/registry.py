"""The classes of this process: which are documents, which have functions of their own, and what lifts old ones."""
