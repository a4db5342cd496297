"""Find documents and parts by their columns and their contents; count them, read them, or get the SQL.

``query`` validates the arguments of ``find``, ``conditions`` has ``q``. ``results`` is what ``find`` returns: it reads
rows through ``selection``, whose SELECTs ``statements`` (columns) and ``compile`` (places in bodies) make, and bodies
through ``read``. ``indexes`` makes indexes on places.
"""
