"""Verify that what is stored is what was saved: every digest, every version rebuilt, every link of the chain.

``verify`` goes through the documents. For each, ``rows`` and ``columns`` check the current state, ``full_states`` whole
older ones, and ``history`` the versions; if the state is not what was saved, ``blame_rows`` finds the damaged rows.
``statements`` has the SQL, ``damage`` what is returned.
"""

from __future__ import annotations

from docstore.verify.damage import Damage
from docstore.verify.statements import find_id
from docstore.verify.verify import VerifyOptions, find_damage

__all__ = ["Damage", "VerifyOptions", "find_damage", "find_id"]
