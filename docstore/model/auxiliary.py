"""What another experiment can be good for."""

from __future__ import annotations

from enum import StrEnum


class AuxiliaryExperimentPurpose(StrEnum):
    """What an auxiliary experiment is used for, with Ax's values."""

    BO_EXPERIMENT = "bo_experiment"
    PE_EXPERIMENT = "pe_experiment"
    TRANSFERABLE_EXPERIMENT = "transferable_experiment"
