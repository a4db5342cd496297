"""A field of docstore's own classes that is None is not written if None is its default; users' classes write all."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import pytest
from stored_forms import OPTIONAL, every_member

from docstore import Arm, Metric, RegistryBundle
from docstore.codec import Codec
from docstore.codec.registry import Entry
from docstore.documents.canonical import TAG
from docstore.model import CLASSES
from docstore.registry.bundle import mapper_of
from docstore.registry.model_classes import model_registry
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment

CODEC = Codec(model_registry())


@dataclass
class Batch:
    """A user's class."""

    size: int | None = None


class Taste(Metric):
    """A user's subclass of one of docstore's."""


def codec_of_users() -> Codec:
    return Codec(model_registry().with_entries([Entry(Batch, "Batch"), Entry(Taste, "Taste")]))


class TestAnObjectOfDocstores:
    def test_is_written_without_what_is_none(self):
        assert CODEC.encode(Arm({"x": None})) == {TAG: "Arm", "parameters": {"x": None}}

    def test_is_written_with_none_where_its_default_is_another_value(self):
        experiment = new_experiment()
        experiment.status = None

        written = CODEC.encode(experiment)

        assert written["status"] is None
        assert "description" not in written
        assert identity(CODEC.decode(written)) == identity(experiment)

    @pytest.mark.parametrize("trials", [0, 2])
    def test_comes_back_the_same_with_nulls_as_without(self, trials):
        experiment = new_experiment(trials=trials)
        written = CODEC.encode(experiment)

        filled = every_member(written)

        assert filled != written
        assert identity(CODEC.decode(filled)) == identity(CODEC.decode(written)) == identity(experiment)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_omits_fields_whose_default_is_none_for_good(self, cls):
        """Another default would give what was stored another meaning: None has to be written from then on."""
        none = {each.name.removeprefix("_") for each in fields(cls) if each.default is None}
        stored = {each.name.removeprefix("_") for each in fields(cls) if each.metadata.get("stored", True)}

        assert none & stored <= OPTIONAL[cls.__name__]


class TestAnObjectOfAUsers:
    @pytest.mark.parametrize("made", [Batch(), Taste("taste")])
    def test_is_written_with_every_member(self, made):
        written = codec_of_users().encode(made)

        assert None in written.values()
        assert written[TAG] not in codec_of_users().optional_members

    def test_is_written_with_every_member_inside_an_object_of_docstores(self):
        experiment = new_experiment()
        experiment.add_tracking_metric(Taste("sweet"))

        written = codec_of_users().encode(experiment)

        taste = written["tracking_metrics"][-1]
        assert (taste[TAG], taste["lower_is_better"]) == ("Taste", None)

    def test_of_a_class_of_docstores_that_a_function_encodes_is_as_the_function_gives_it(self):
        bundle = RegistryBundle(json_encoder_registry={Arm: lambda arm: {"parameters": arm.parameters, "name": None}})
        codec = mapper_of(bundle).codec

        assert codec.encode(Arm({"x": 1})) == {TAG: "Arm", "parameters": {"x": 1}, "name": None}
        assert "Arm" not in codec.optional_members


def test_a_field_with_a_factory_is_written_even_where_that_gives_none():
    """A factory may give another value tomorrow."""

    @dataclass
    class Made:
        at: int | None = field(default_factory=lambda: None)

    codec = Codec(model_registry().with_entries([Entry(Made, "Made", model="docstore")]))

    assert codec.encode(Made()) == {TAG: "Made", "at": None}
