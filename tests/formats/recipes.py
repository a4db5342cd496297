"""Every document that is kept: under which name, since which release, how it is made, and with which users' classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from docstore import RegistryBundle, registry
from formats import classes_0_1_0, of_arrays, of_frames, of_model, of_users, of_values


def nothing() -> None:
    """Register no class, or give no bundle."""


@dataclass(frozen=True)
class Recipe:
    """How a document is made: always the same, bit by bit, whatever the clock says."""

    make: Callable[[], Any]
    since: str = "0.1.0-nulls"
    register: Callable[[], None] = nothing
    bundle: Callable[[], RegistryBundle | None] = nothing

    @contextmanager
    def registered(self) -> Iterator[RegistryBundle | None]:
        """Have the users' classes registered, and no others; gives what ``bundle=`` takes."""
        with registry.scope():
            self.register()
            yield self.bundle()


def _of_user(make: Callable[[], Any], register: Callable[[], None] = classes_0_1_0.register) -> Recipe:
    return Recipe(make, register=register)


RECIPES: dict[str, Recipe] = {
    "experiment": Recipe(of_model.experiment),
    "experiment_of_one_trial": Recipe(of_model.experiment_of_one_trial),
    "experiment_of_every_status": Recipe(of_model.trials_of_every_status),
    "experiment_of_batches": Recipe(of_model.batch_trials),
    "experiment_scalarized": Recipe(of_model.scalarized),
    "experiment_of_expressions": Recipe(of_model.expressions),
    "experiment_bare": Recipe(of_model.bare_experiment),
    "experiment_of_several_types": Recipe(of_model.experiment_of_several_types),
    "experiment_with_artifacts": Recipe(of_model.experiment_with_artifacts, since="0.1.0"),
    "generation_strategy": Recipe(of_model.generation_strategy),
    "analysis_card": Recipe(of_model.analysis_card),
    "analysis_card_group": Recipe(of_model.analysis_card_group),
    "analysis_cards_of_an_experiment": Recipe(of_model.cards_of_an_experiment),
    "values_enums": Recipe(of_model.enums),
    "values_plain": Recipe(of_values.plain),
    "values_numbers_and_texts": Recipe(of_values.numbers_and_texts),
    "values_containers": Recipe(of_values.containers),
    "values_default_dicts": Recipe(of_values.default_dicts, since="0.1.0"),
    "values_ranges_and_patterns": Recipe(of_values.ranges_and_patterns),
    "values_bytes_and_numbers": Recipe(of_values.bytes_and_numbers),
    "values_moments": Recipe(of_values.moments),
    "numpy_arrays": Recipe(of_arrays.arrays),
    "numpy_structures": Recipe(of_arrays.structures),
    "numpy_shapes": Recipe(of_arrays.shapes),
    "numpy_scalars": Recipe(of_arrays.scalars),
    "pandas_frames": Recipe(of_frames.frames),
    "pandas_columns": Recipe(of_frames.columns),
    "pandas_text_where_nan_is_missing": Recipe(of_frames.text_where_nan_is_missing),
    "pandas_indexes": Recipe(of_frames.indexes),
    "pandas_scalars": Recipe(of_frames.scalars),
    "user_recipe": _of_user(of_users.recipe),
    "user_recipe_of_defaults": _of_user(of_users.recipe_of_defaults),
    "user_kitchen": _of_user(of_users.kitchen),
    "user_larder": _of_user(of_users.larder),
    "user_larder_of_others": _of_user(of_users.larder_of_others),
    "user_attrs": _of_user(of_users.oven),
    "user_pydantic": _of_user(of_users.order),
    "user_msgspec": _of_user(of_users.shelf),
    "user_functions": _of_user(of_users.by_functions),
    "user_classes_as_values": Recipe(of_users.of_classes, bundle=classes_0_1_0.bundle),
    "user_experiment": _of_user(of_users.experiment_of_users_classes),
    "user_menu": _of_user(of_users.menu),
    "user_menu_for_both": _of_user(of_users.menu_for_both),
    "user_menu_before": _of_user(of_users.menu_before, classes_0_1_0.register_before),
}
"""By the name of its file. A release adds to it; what it has stays, as long as a document of that name is kept."""
