"""JSON documents as rows.

``tables`` and ``rows`` have the tables and their statements; ``reader`` and ``writer`` make documents and versions of
them, ``transactions`` calls these and tries again, and ``dialects`` has all that differs between databases.
"""
