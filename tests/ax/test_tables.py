"""The tables of fields: which classes of Ax have one, and that Ax is imported for its own objects only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePath

import pytest
from ax.core.parameter import DerivedParameter
from ax.generation_strategy.generation_node import GenerationStep
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY, CORE_ENCODER_REGISTRY
from not_kept import NOT_KEPT, OWNERS, left_out

from docstore.ax import REGISTRY
from docstore.registry.model_classes import optional_members

CLASSES = {*CORE_ENCODER_REGISTRY, *(each for each in CORE_DECODER_REGISTRY.values() if isinstance(each, type))}
# A GenerationStep has no instances: its constructor returns a GenerationNode.
CLASSES = {cls for cls in CLASSES if not issubclass(cls, PurePath)} - {GenerationStep}


@pytest.mark.parametrize("cls", sorted(CLASSES, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_a_class_in_the_registries_of_ax_is_known(cls):
    assert REGISTRY.of_class(cls) is not None


@pytest.mark.parametrize("entry", REGISTRY.entries, ids=lambda entry: entry.tag)
def test_what_is_made_empty_at_a_load_is_said_not_to_be_kept(entry):
    emptied = set(entry.fields.defaults) if entry.fields is not None else set()

    assert emptied <= left_out(entry.cls, NOT_KEPT, OWNERS)


LIGHT = optional_members()


@pytest.mark.parametrize("entry", [each for each in REGISTRY.entries if each.tag in LIGHT], ids=lambda entry: entry.tag)
def test_a_member_that_docstores_class_leaves_out_if_it_is_none_is_left_out_of_ax_s(entry):
    """A merge writes no null for such a member, whichever of the two classes the object is of."""
    keys = {field.key for field in entry.fields.stored}
    # Of a derived parameter, Ax mostly has no default value at all.
    but = {"default_value"} if entry.cls is DerivedParameter else set()

    assert LIGHT[entry.tag] & keys - entry.optional_keys == but


def test_ax_is_imported_for_its_own_objects_only():
    program = """
import sys
import docstore
from docstore.testing.experiments import new_experiment

docstore.loads(docstore.dumps(new_experiment()))
store = docstore.connect("sqlite://")
store.save(new_experiment())
store.load("cakes")
print(sorted({"ax", "torch", "botorch"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
