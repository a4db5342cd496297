"""SQLite: the backend, the database's file, and what becomes of it when the process forks."""
