"""A class may be a value itself, in a field that says which class to use: functions of the user's write and find it."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field
from typing import Any

import pytest

import docstore
from docstore import Metric, RegistryBundle
from docstore.errors import DecodeError, EncodeError, RegistryError, UnknownTagError
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment


class Model:
    """The base of classes that are chosen by name."""


class Tree(Model):
    pass


class Forest(Tree):
    pass


class DeepForest(Forest):
    pass


class Abstract(Model, ABC):
    """Its class is an ABCMeta, not a type."""


CLASSES = {cls.__name__: cls for cls in (Model, Tree, Forest, DeepForest, Abstract, Metric)}


def named(cls: type) -> dict[str, Any]:
    return {"name": cls.__name__}


def found(members: dict[str, Any]) -> type:
    return CLASSES[members["name"]]


def marked(cls: type) -> dict[str, Any]:
    return {"name": cls.__name__, "by": "the trees"}


BUNDLE = RegistryBundle(
    json_class_encoder_registry={Model: named},
    json_class_decoder_registry={"Type[Model]": found},
)


@dataclass
class Choice:
    model_class: type[Model]
    others: list[type] = field(default_factory=list)


class TestAClassAsAValue:
    @pytest.mark.parametrize("cls", [Model, Tree, DeepForest, Abstract])
    def test_is_written_by_the_function_of_a_base_and_found_again(self, cls):
        text = docstore.dumps({"use": cls}, BUNDLE)

        assert text == b'{"use":{"__type":"Type[Model]","name":"%s"}}' % cls.__name__.encode()
        assert docstore.loads(text, BUNDLE)["use"] is cls

    @pytest.mark.parametrize("value", [[Tree, Forest], (Tree,), {Tree}, {Tree: "a tree"}, {1: Tree}], ids=repr)
    def test_comes_back_wherever_it_stands(self, value):
        assert docstore.loads(docstore.dumps(value, BUNDLE), BUNDLE) == value

    def test_comes_back_in_fields_that_are_annotated_as_classes(self):
        bundle = RegistryBundle.from_registry_bundles(BUNDLE, RegistryBundle(classes=[Choice]))
        choice = Choice(Forest, [Tree, Abstract])

        assert docstore.loads(docstore.dumps(choice, bundle), bundle) == choice

    def test_is_told_from_an_instance_of_it(self):
        bundle = RegistryBundle(
            json_class_encoder_registry={Metric: named}, json_class_decoder_registry={"Type[Metric]": found}
        )

        cls, instance = docstore.loads(docstore.dumps([Metric, Metric("a")], bundle), bundle)

        assert (cls, instance) == (Metric, Metric("a"))

    @pytest.mark.parametrize("order", [[Model, Forest], [Forest, Model]])
    @pytest.mark.parametrize(
        ("cls", "by"), [(Tree, "Type[Model]"), (Forest, "Type[Forest]"), (DeepForest, "Type[Forest]")]
    )
    def test_is_written_by_the_closest_base_in_whatever_order_they_are_given(self, order, cls, by):
        bundle = RegistryBundle(json_class_encoder_registry=dict.fromkeys(order, named))

        assert docstore.dumps(cls, bundle) == f'{{"__type":"{by}","name":"{cls.__name__}"}}'.encode()

    def test_is_written_under_the_tag_that_the_function_names(self):
        bundle = RegistryBundle(
            json_class_encoder_registry={Model: lambda cls: {"__type": "A model", "name": cls.__name__}},
            json_class_decoder_registry={"A model": found},
        )

        assert docstore.dumps(Tree, bundle) == b'{"__type":"A model","name":"Tree"}'
        assert docstore.loads(b'{"__type":"A model","name":"Tree"}', bundle) is Tree

    def test_is_told_by_values_that_are_tagged_themselves(self):
        bundle = RegistryBundle(
            json_class_encoder_registry={Model: lambda cls: {"path": tuple(base.__name__ for base in cls.__mro__)}},
            json_class_decoder_registry={"Type[Model]": lambda members: CLASSES[members["path"][0]]},
        )

        assert docstore.loads(docstore.dumps(Tree, bundle), bundle) is Tree


class TestAClassThatNoFunctionWrites:
    @pytest.mark.parametrize("bundle", [None, BUNDLE])
    @pytest.mark.parametrize("cls", [Metric, int, type, ABC])
    def test_is_refused_with_what_to_write_and_the_place(self, bundle, cls):
        with pytest.raises(EncodeError, match=rf"json_class_encoder_registry=\{{{cls.__name__}: ") as caught:
            docstore.dumps({"use": [cls]}, bundle)

        assert caught.value.pointer == "/use/0"
        assert f"'Type[{cls.__name__}]'" in str(caught.value)

    def test_is_not_written_because_its_instances_are(self):
        with pytest.raises(EncodeError, match="not an instance"):
            docstore.dumps(Tree, RegistryBundle(classes=[Tree]))

    def test_is_named_when_it_is_read(self):
        with pytest.raises(UnknownTagError) as caught:
            docstore.loads(docstore.dumps({"use": Tree}, BUNDLE))

        assert (caught.value.tag, caught.value.pointer) == ("Type[Model]", "/use")

    def test_can_be_kept_unread_and_written_back(self):
        text = docstore.dumps({"use": Tree}, BUNDLE)

        assert docstore.dumps(docstore.loads(text, unknown="keep")) == text


class TestAFunctionForClasses:
    @pytest.mark.parametrize(
        ("encoder", "problem"),
        [
            (lambda cls: None, r"encoder of Type\[Model\] should give a dict"),
            (lambda cls: cls.nowhere, "nowhere"),
            (lambda cls: {1: 2}, "plain text"),
            (lambda cls: {"__type": 3}, "__type"),
            (lambda cls: {"itself": cls}, "contains itself"),
        ],
    )
    def test_that_fails_to_write_is_reported_with_the_place(self, encoder, problem):
        bundle = RegistryBundle(json_class_encoder_registry={Model: encoder})

        with pytest.raises(EncodeError, match=problem) as caught:
            docstore.dumps({"a": [Tree]}, bundle)

        assert caught.value.pointer.startswith("/a/0")

    def test_that_fails_to_read_is_reported_with_the_place(self):
        with pytest.raises(DecodeError, match=r"Type\[Model\] cannot be made of what was stored: 'Bush'") as caught:
            docstore.loads(b'{"a":[{"__type":"Type[Model]","name":"Bush"}]}', BUNDLE)

        assert caught.value.pointer == "/a/0"

    @pytest.mark.parametrize("tag", ["Metric", "tuple", "numpy.ndarray"])
    def test_may_not_read_a_tag_of_docstores_own(self, tag):
        with pytest.raises(RegistryError, match=f"tag '{tag}'"):
            RegistryBundle(json_class_decoder_registry={tag: found})

    def test_may_not_read_the_tag_of_a_class_whose_instances_are_written(self):
        with pytest.raises(RegistryError, match=r"the tag 'Tree' cannot stand for classes.*'Type\[\.\.\.\]'"):
            RegistryBundle(classes=[Tree], json_class_decoder_registry={"Tree": found})


@pytest.fixture
def experiment():
    """An experiment that says which class to use."""
    space = docstore.SearchSpace([docstore.RangeParameter("x", docstore.ParameterType.FLOAT, 0, 1)])
    return docstore.Experiment(space, "classes", properties={"model_class": Forest, "others": (Tree, Abstract)})


class TestAnExperimentThatHoldsClasses:
    def test_goes_to_a_file_and_back_by_the_registries_of_the_bundle(self, experiment, tmp_path):
        save_experiment(experiment, tmp_path / "e.json", class_encoder_registry=BUNDLE.class_encoder_registry)
        loaded = load_experiment(tmp_path / "e.json", class_decoder_registry=BUNDLE.class_decoder_registry)

        assert loaded.properties == experiment.properties

    def test_goes_to_a_file_and_back_by_the_bundle(self, experiment, tmp_path):
        save_experiment(experiment, tmp_path / "e.json", bundle=BUNDLE)

        assert load_experiment(tmp_path / "e.json", bundle=BUNDLE).properties == experiment.properties

    def test_goes_to_a_database_and_back_with_the_digest_of_the_file(self, experiment, database):
        store = docstore.connect(database, bundle=BUNDLE)

        version = store.save(experiment)

        assert store.load("classes").properties == experiment.properties
        assert version.digest == docstore.digest(experiment, BUNDLE)

    def test_is_not_saved_without_the_bundle(self, experiment, database):
        store = docstore.connect(database)

        with pytest.raises(EncodeError, match="json_class_encoder_registry") as caught:
            store.save(experiment)

        assert caught.value.errors[0].pointer == "/properties/model_class"
        assert store.find() == []
