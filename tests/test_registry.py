"""A class has one tag, a tag one class; a user's own classes come in a bundle, and none of docstore's is lost by it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest

import docstore
from docstore import Metric, RegistryBundle, Runner
from docstore.codec import Codec
from docstore.codec.ecosystem import TAGS
from docstore.codec.tagged import BY_TAG
from docstore.documents import model_registry
from docstore.entries import Entry, Registry, by_fields
from docstore.errors import EncodeError, RegistryError, UnknownTagError
from docstore.testing.exact import identity
from docstore.values import loads


class Loss(Metric):
    """Undecorated, with nothing of its own."""


class Remote(Metric):
    """Undecorated, with an ``__init__`` of its own, and something that it makes again."""

    def __init__(self, name: str, url: str, retries: int = 3) -> None:
        super().__init__(name, lower_is_better=True)
        self.url = url
        self._retries = retries
        self._session = object()


class Cluster(Runner):
    """Undecorated."""

    def __init__(self, host: str) -> None:
        self.host = host


@dataclass(eq=False)
class Cloud(Runner):
    """Decorated."""

    region: str = "here"
    tags: list[str] = field(default_factory=list)


class Colour(Enum):
    RED = "r"
    BLUE = "b"


@dataclass
class Point:
    x: float
    y: float = 0.0


Pair = namedtuple("Pair", "left right")


def named(name: str, **members: Any) -> type:
    return type(name, (), members)


def objective(metric: Metric) -> docstore.Experiment:
    space = docstore.SearchSpace([docstore.RangeParameter("x", docstore.ParameterType.FLOAT, 0, 1)])
    config = docstore.OptimizationConfig(docstore.Objective(metric=metric, minimize=True))
    return docstore.Experiment(space, "e", optimization_config=config, runner=Cluster("h"))


def in_another_process(seed: str) -> str:
    """Return what a process with another hash seed derives for the names of two classes."""
    code = (
        "from docstore import RegistryBundle\n"
        "bundle = RegistryBundle({type('Loss', (), {}): None}, {type('Cluster', (), {}): None})\n"
        "print([*bundle.metric_registry.values(), *bundle.runner_registry.values()])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


class TestTheIntegerOfAClass:
    def test_is_the_one_given(self):
        assert RegistryBundle({Loss: 3}, {Cluster: 7}).metric_registry == {Loss: 3}
        assert RegistryBundle({Loss: 3}, {Cluster: 7}).runner_registry == {Cluster: 7}

    def test_may_be_zero(self):
        assert RegistryBundle({Loss: 0}, {Cluster: 0}).metric_registry == {Loss: 0}

    @pytest.mark.parametrize("seed", ["0", "1", "4242"])
    def test_that_is_derived_is_the_same_in_every_process(self, seed):
        bundle = RegistryBundle({Loss: None}, {Cluster: None})

        assert in_another_process(seed) == str([*bundle.metric_registry.values(), *bundle.runner_registry.values()])

    def test_that_is_derived_is_held_to_forever(self):
        """It may stand in a database: pinned."""
        assert RegistryBundle({Loss: None}).metric_registry == {Loss: 1891712612}

    def test_that_is_derived_fits_a_column_and_is_not_zero(self):
        assert 0 < RegistryBundle({Loss: None}).metric_registry[Loss] < 2**31

    @pytest.mark.parametrize("argument", ["metric_clss", "runner_clss"])
    def test_of_two_classes_is_refused_when_the_bundle_is_made(self, argument):
        with pytest.raises(RegistryError, match=r"Loss and Cluster share the integer 5.*Cluster: 6"):
            RegistryBundle(**{argument: {Loss: 5, Cluster: 5}})

    def test_of_a_metric_and_a_runner_may_be_the_same(self):
        assert RegistryBundle({Loss: 5}, {Cluster: 5}).runner_registry == {Cluster: 5}

    def test_is_a_copy_that_the_bundle_does_not_share(self):
        bundle = RegistryBundle({Loss: 5})

        bundle.metric_registry.clear()

        assert bundle.metric_registry == {Loss: 5}


class TestTheNameOfAClass:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"classes": [named("Twin"), named("Twin")]},
            {"metric_clss": {named("Twin"): 1}, "runner_clss": {named("Twin"): 2}},
            {"metric_clss": {named("Twin"): 1}, "classes": [named("Twin")]},
        ],
    )
    def test_that_two_have_is_refused_when_the_bundle_is_made(self, arguments):
        with pytest.raises(RegistryError, match=r"tag 'Twin'.*another tag"):
            RegistryBundle(**arguments)

    def test_given_twice_for_one_class_is_fine(self):
        bundle = RegistryBundle({Loss: None}, classes=[Loss])

        assert identity(docstore.loads(docstore.dumps(Loss("a"), bundle), bundle)) == identity(Loss("a"))

    @pytest.mark.parametrize("name", ["Experiment", "Metric", "TrialStatus"])
    def test_that_one_of_docstores_classes_has_is_refused(self, name):
        with pytest.raises(RegistryError, match=f"tag '{name}'"):
            docstore.dumps(1, RegistryBundle(classes=[named(name)]))

    @pytest.mark.parametrize("tag", sorted({*BY_TAG, *TAGS}))
    def test_that_is_a_tag_of_docstores_own_is_refused(self, tag):
        with pytest.raises(RegistryError, match="docstore's own"):
            Codec(Registry([Entry(Point, tag)]))

    def test_of_a_reserved_tag_is_refused_in_a_bundle(self):
        with pytest.raises(RegistryError, match="docstore's own"):
            docstore.dumps(1, RegistryBundle(classes=[named("date")]))

    def test_of_a_reserved_tag_is_refused_for_a_decoder(self):
        with pytest.raises(RegistryError, match="docstore's own"):
            docstore.loads("1", RegistryBundle(json_decoder_registry={"tuple": lambda members: members}))


class TestACustomMetricOrRunner:
    BUNDLE = RegistryBundle({Loss: None, Remote: 1}, {Cluster: None, Cloud: 0})

    @pytest.mark.parametrize(
        "value",
        [
            Loss("loss", True, {"a": (1, 2)}, "sig"),
            Cluster("host"),
            Cloud("there", ["a", "b"]),
            {"in": [Loss("loss"), Cluster("host")]},
        ],
    )
    def test_comes_back_exactly(self, value):
        assert identity(docstore.loads(docstore.dumps(value, self.BUNDLE), self.BUNDLE)) == identity(value)

    def test_with_its_own_init_comes_back_and_makes_its_session_again(self):
        metric = Remote("m", "https://example.org", 5)
        metric.properties["seen"] = {1}

        loaded = docstore.loads(docstore.dumps(metric, self.BUNDLE), self.BUNDLE)

        assert (loaded.name, loaded.url, loaded._retries, loaded.lower_is_better) == (
            "m",
            "https://example.org",
            5,
            True,
        )
        assert loaded.properties == {"seen": {1}}
        assert type(loaded._session) is object

    def test_stands_in_an_experiment(self):
        experiment = objective(Loss("loss"))

        loaded = docstore.loads(docstore.dumps(experiment, self.BUNDLE), self.BUNDLE)

        assert identity(loaded) == identity(experiment)
        assert type(loaded.optimization_config.objective.metric) is Loss

    @pytest.mark.parametrize(
        ("value", "remedy"),
        [
            (Loss("a"), r"RegistryBundle\(metric_clss=\{Loss: None\}\)"),
            (Cluster("a"), r"RegistryBundle\(runner_clss=\{Cluster: None\}\)"),
            (Point(1.0), r"RegistryBundle\(classes=\[Point\]\)"),
            (Colour.RED, r"an Enum .*RegistryBundle\(classes=\[Colour\]\)"),
        ],
    )
    def test_without_a_bundle_is_refused_with_what_to_write(self, value, remedy):
        with pytest.raises(EncodeError, match=remedy):
            docstore.dumps(value)

    def test_without_a_bundle_is_named_when_it_is_read(self):
        data = docstore.dumps(objective(Loss("loss")), self.BUNDLE)

        with pytest.raises(UnknownTagError, match="RegistryBundle") as caught:
            docstore.loads(data)

        assert caught.value.tag in ("Cluster", "Loss")

    def test_without_a_bundle_can_be_kept_unread_and_written_back(self):
        data = docstore.dumps(objective(Loss("loss")), self.BUNDLE)

        kept = docstore.loads(data, unknown="keep")

        assert kept.optimization_config.objective.metric_names == ["loss"]
        assert list(kept.metrics) == ["loss"]
        assert docstore.dumps(kept) == data


class TestOtherClassesOfABundle:
    BUNDLE = RegistryBundle(classes=[Colour, Point, Pair])

    @pytest.mark.parametrize("value", [Colour.RED, Point(-0.0, float("nan")), Pair(1, [Colour.BLUE])])
    def test_come_back_exactly(self, value):
        assert identity(docstore.loads(docstore.dumps(value, self.BUNDLE), self.BUNDLE)) == identity(value)

    @pytest.mark.parametrize("cls", [docstore.Experiment, docstore.Metric, docstore.Arm, docstore.TrialStatus])
    def test_may_name_one_of_docstores_which_stays_what_it_was(self, cls):
        registry = RegistryBundle(classes=[cls]).extend(model_registry())

        assert registry.of_class(cls) == model_registry().of_class(cls)

    def test_that_are_documents_of_the_model_by_inheritance_have_its_kind(self):
        subclass = type("Sub", (docstore.Experiment,), {})

        registry = RegistryBundle(classes=[subclass]).extend(model_registry())

        assert registry.of_class(subclass).kind == "experiment"


class TestASubclassOfExperiment:
    class Study(docstore.Experiment):
        pass

    def test_comes_back_whole_with_trials_that_know_it(self):
        bundle = RegistryBundle(classes=[self.Study])
        space = docstore.SearchSpace([docstore.RangeParameter("x", docstore.ParameterType.FLOAT, 0, 1)])
        study = self.Study(space, "s", status_quo=docstore.Arm({"x": 0.5}), tracking_metrics=[Metric("m")])
        study.new_trial(parameters={"x": 0.25}).mark_running().mark_completed()
        study.attach_data(
            docstore.Data.from_records([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 1.0}])
        )

        loaded = docstore.loads(docstore.dumps(study, bundle), bundle)

        assert identity(loaded) == identity(study)
        assert loaded.trials[0].experiment is loaded


class TestFunctionsOfTheUsers:
    def test_write_and_read_a_class(self):
        bundle = RegistryBundle(
            json_encoder_registry={Point: lambda point: {"at": (point.x, point.y)}},
            json_decoder_registry={"Point": lambda members: Point(*members["at"])},
        )

        assert loads(docstore.dumps(Point(1.0, 2.0), bundle))["at"]["__type"] == "tuple"
        assert docstore.loads(docstore.dumps(Point(1.0, 2.0), bundle), bundle) == Point(1.0, 2.0)

    def test_may_name_the_tag_themselves(self):
        bundle = RegistryBundle(
            json_encoder_registry={Point: lambda point: {"__type": "P", "x": point.x}},
            json_decoder_registry={"P": lambda members: Point(members["x"])},
        )

        assert docstore.dumps(Point(1.0), bundle) == b'{"__type":"P","x":1.0}'
        assert docstore.loads(b'{"__type":"P","x":1.0}', bundle) == Point(1.0)

    def test_win_over_docstores_own_way_to_write_a_class(self):
        bundle = RegistryBundle(json_encoder_registry={Metric: lambda metric: {"name": metric.name.upper()}})

        assert docstore.dumps(Metric("loss"), bundle) == b'{"__type":"Metric","name":"LOSS"}'

    def test_win_over_docstores_own_way_to_read_a_tag(self):
        bundle = RegistryBundle(json_decoder_registry={"Metric": lambda members: members["name"]})

        assert docstore.loads(docstore.dumps(Metric("loss")), bundle) == "loss"

    def test_read_the_tag_of_a_class_that_is_no_more(self):
        bundle = RegistryBundle(json_decoder_registry={"Old": lambda members: Point(members["a"])})

        assert docstore.loads(b'[{"__type":"Old","a":1.5}]', bundle) == [Point(1.5)]

    def test_a_class_may_stand_for_a_decoder(self):
        bundle = RegistryBundle(json_decoder_registry={"P": Point})

        assert docstore.loads(b'{"__type":"P","x":1.0}', bundle) == Point(1.0)

    @pytest.mark.parametrize(
        ("encoder", "problem"),
        [
            (lambda point: None, "should give a dict"),
            (lambda point: point.nowhere, "nowhere"),
            (lambda point: {1: 2}, "plain text"),
            (lambda point: {"__type": 3}, "__type"),
        ],
    )
    def test_that_fail_to_write_are_reported_with_the_place(self, encoder, problem):
        bundle = RegistryBundle(json_encoder_registry={Point: encoder})

        with pytest.raises(EncodeError, match=problem) as caught:
            docstore.dumps({"a": [Point(1.0)]}, bundle)

        assert caught.value.pointer == "/a/0"

    @pytest.mark.parametrize(
        "decoder", [lambda members: members["nowhere"], lambda members: 1 / 0, lambda members: int("a")]
    )
    def test_that_fail_to_read_are_reported_with_the_place(self, decoder):
        bundle = RegistryBundle(json_decoder_registry={"Point": decoder})

        with pytest.raises(docstore.DocstoreError, match="cannot be made") as caught:
            docstore.loads(b'{"a":[{"__type":"Point"}]}', bundle)

        assert caught.value.pointer == "/a/0"


class TestTheTwoRegistriesOfABundle:
    """What the seed's calls take as ``encoder_registry=`` and ``decoder_registry=``."""

    BUNDLE = RegistryBundle(
        {Loss: None},
        {Cluster: None},
        classes=[Colour],
        json_encoder_registry={Point: lambda point: {"p": [point.x, point.y]}},
        json_decoder_registry={"Point": lambda members: Point(*members["p"])},
    )
    VALUE = (Loss("loss"), Cluster("host"), Colour.BLUE, Point(1.0, 2.0))

    def test_name_every_class_and_every_tag(self):
        assert self.BUNDLE.encoder_registry.keys() == {Loss, Cluster, Colour, Point}
        assert self.BUNDLE.decoder_registry.keys() == {"Loss", "Cluster", "Colour", "Point"}

    def test_write_what_the_bundle_writes(self):
        registry = model_registry().with_encoders(self.BUNDLE.encoder_registry)

        assert Codec(registry).encode(self.VALUE) == loads(docstore.dumps(self.VALUE, self.BUNDLE))

    def test_read_what_the_bundle_wrote(self):
        registry = model_registry().with_decoders(self.BUNDLE.decoder_registry)

        loaded = Codec(registry).decode(loads(docstore.dumps(self.VALUE, self.BUNDLE)))

        assert identity(loaded) == identity(self.VALUE)

    def test_stand_for_fields_by_a_function_that_is_never_called(self):
        assert self.BUNDLE.encoder_registry[Loss] is by_fields
        with pytest.raises(RegistryError, match="the codec reads them itself"):
            by_fields(Loss("a"))


class TestARegistry:
    def test_is_a_value_that_adding_does_not_change(self):
        registry = Registry([Entry(Point, "Point")])

        more = registry.with_entries([Entry(Colour, "Colour")])

        assert [entry.cls for entry in registry.entries] == [Point]
        assert [entry.cls for entry in more.entries] == [Point, Colour]

    def test_lets_a_later_entry_take_the_place_of_one_for_the_same_class(self):
        registry = Registry([Entry(Point, "Point")]).with_entries([Entry(Point, "Point", kind="note")])

        assert registry.of_class(Point).kind == "note"

    @pytest.mark.parametrize("entry", [Entry(Point, "Other"), Entry(Colour, "Point")])
    def test_refuses_a_second_tag_for_a_class_and_a_second_class_for_a_tag(self, entry):
        with pytest.raises(RegistryError, match="cannot be written under the tag"):
            Registry([Entry(Point, "Point")]).with_entries([entry])

    def test_knows_a_class_exactly(self):
        assert Registry([Entry(Metric, "Metric")]).of_class(Loss) is None

    def test_does_not_know_other_tags(self):
        assert Registry([Entry(Metric, "Metric")]).of_tag("metric") is None


class Text(str):
    pass


class Made:
    def __new__(cls, size):
        made = super().__new__(cls)
        made.__dict__["size"] = size
        return made


class TestAClassThatIsMoreThanItsAttributes:
    """A str's subclass holds a text, and no field says so."""

    @pytest.mark.parametrize("value", [Text("abc"), Made(3)], ids=["str", "__new__"])
    def test_is_refused_rather_than_emptied(self, value):
        bundle = RegistryBundle(classes=[type(value)])

        with pytest.raises(EncodeError, match="json_encoder_registry"):
            docstore.dumps(value, bundle)

    def test_is_written_and_read_by_functions_of_its_own(self):
        bundle = RegistryBundle(
            json_encoder_registry={Text: lambda text: {"text": str(text)}},
            json_decoder_registry={"Text": lambda members: Text(members["text"])},
        )

        loaded = docstore.loads(docstore.dumps(Text("abc"), bundle), bundle)

        assert (type(loaded), str(loaded)) == (Text, "abc")
