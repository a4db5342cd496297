"""What drivers' errors mean on every server: the error to raise, and what its reader can do."""

from __future__ import annotations

from typing import Final

from docstore.errors import ConnectionLostError, DatabaseError, NotAllowedError, RaceLostError, TablesError
from docstore.sql.dialects.base import Meaning

RACE: Final = Meaning(RaceLostError, "Another writer was first.")
LOST: Final = Meaning(ConnectionLostError, "Is the server running?")
HELD: Final = Meaning(DatabaseError, "Another transaction held it; try again.")
FULL: Final = Meaning(DatabaseError, "Free some space on the server's disk and save again.")
READ_ONLY: Final = Meaning(DatabaseError, "This database may only be read: save to the primary, or ask who set it so.")
DENIED: Final = Meaning(NotAllowedError, "An administrator can GRANT it.")
NO_LOGIN: Final = Meaning(DatabaseError, "Check the user and the password in the URL.")
NO_TABLES: Final = Meaning(TablesError, "Call create_all_tables(engine), or docstore.connect(url), which makes them.")
TOO_MANY: Final = Meaning(DatabaseError, "The server takes no more connections: close some, or raise its limit.")
UNKNOWN: Final = Meaning(DatabaseError)
