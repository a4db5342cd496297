"""JSON documents as rows: ``writer`` and ``reader``, ``transactions``, ``tables``; ``dialects`` differ by database."""
