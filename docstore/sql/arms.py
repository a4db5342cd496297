"""Read the arms of stored trials without the rest of the trials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, loads
from docstore.documents.merge.trials import TRIALS
from docstore.sql.dialects.members import JsonMember
from docstore.sql.tables import documents

_C: Final = documents.c
_ARMS: Final = sa.select(
    _C.path,
    _C.digest,
    JsonMember(_C.body, ("generator_run", "arms")).label("arms"),
    JsonMember(_C.body, ("generator_runs",)).label("runs"),
).where(_C.id == sa.bindparam("of_id"), _C.path.startswith(TRIALS.path(""), autoescape=True))


class StoredArms(NamedTuple):
    """The digest of a trial's body, and the trial's arms: a list of arms or of generator runs."""

    path: str
    digest: str
    body: JSON


def read_arms(connection: Connection, id: str) -> Iterator[StoredArms]:
    """Yield the arms of each trial of an experiment; a trial in which the database finds none is left out.

    MariaDB finds nothing in a body of more than 31 levels.

    Cost:
        One SELECT; the database searches each trial's body, and sends only the arms.
    """
    for path, digest, arms, runs in connection.execute(_ARMS, {"of_id": id}).all():
        found = next((text for text in (arms, runs) if text is not None and text != "null"), None)
        if found is not None:
            yield StoredArms(path, digest, loads(found))
