"""Find documents and parts by their columns and their contents; count them, read them, or get the SQL.

``query`` validates the arguments of ``find``, ``kinds`` says which kind and part they mean, ``conditions`` has ``q``.
``results`` is what ``find`` returns: it reads rows through ``selection``, whose SELECTs ``statements`` (columns) and
``compile`` (places in bodies) make, and bodies through ``read``; ``frames`` makes tables of both. ``indexes`` makes
indexes on places.
"""
