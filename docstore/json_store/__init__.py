"""Documents in JSON files and texts.

``save`` and ``load``, ``encoder`` and ``decoder`` have Ax's names for an experiment in a file. ``functions`` has
``dumps``, ``loads``, ``digest`` and ``diff``, which need no store. ``transfer`` writes any documents of a store to
files, and reads them back. ``files`` replaces a file as a whole, ``remote`` one at a URL.
"""
