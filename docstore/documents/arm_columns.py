"""What the columns ``arm`` and ``signature`` of a trial's row say, so that a trial is found by its arm in an index."""

from __future__ import annotations

import hashlib
import json
from typing import Final, NamedTuple

from docstore.documents.canonical import JSON, TAG, is_plain

IN_BODY: Final = "*"
"""The signature of a trial whose arms are only in its body: it has several, or one that the columns cannot hold."""

_LONGEST: Final = 255
"""Characters that the column ``arm`` holds."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})

_dumped: Final = json.JSONEncoder(sort_keys=True, check_circular=False).encode


class ArmColumns(NamedTuple):
    """The name of a trial's only arm, and its signature as ``short_signature`` makes it."""

    arm: str | None = None
    signature: str | None = None


NO_ARM: Final = ArmColumns()
_IN_BODY: Final = ArmColumns(None, IN_BODY)


def arm_columns(trial: JSON) -> ArmColumns:
    """Return the columns of a trial's row: both are None for a trial without arms.

    Cost:
        Some 3 µs for a trial of one arm: a digest of its parameters.
    """
    if not isinstance(trial, dict):
        return _IN_BODY
    if trial.get(TAG) != "Trial":
        return NO_ARM if trial.get(TAG) == "BatchTrial" and trial.get("generator_runs") == [] else _IN_BODY
    run = trial.get("generator_run")
    if run is None:
        return NO_ARM
    arms = run.get("arms") if isinstance(run, dict) and run.get(TAG) == "GeneratorRun" else None
    return _columns_of(arms[0]) if isinstance(arms, list) and len(arms) == 1 else _IN_BODY


def _columns_of(arm: JSON) -> ArmColumns:
    # Exactly the members that an arm is written with: with another one, it may be of a schema that is upcast first.
    if not isinstance(arm, dict) or arm.keys() != {TAG, "name", "parameters"} or arm[TAG] != "Arm":
        return _IN_BODY
    name, parameters = arm["name"], arm["parameters"]
    if not isinstance(name, str) or not isinstance(parameters, dict) or TAG in parameters:
        return _IN_BODY
    if len(name) > _LONGEST or not is_plain(name) or not all(type(each) in _SCALARS for each in parameters.values()):
        return _IN_BODY
    text = _dumped(parameters)
    return ArmColumns(name, short_signature(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))


def short_signature(signature: str) -> str:
    """Return what the column holds of an arm's *signature*: arms that are found by it are compared in full."""
    return signature[:16]
