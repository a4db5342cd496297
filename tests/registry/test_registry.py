"""A class has one tag, a tag one class; a user's own classes come in a bundle, and none of docstore's is lost by it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from case_names import case_name

import docstore
from docstore import Metric, RegistryBundle, Runner
from docstore.codec import Codec
from docstore.codec.registry import Entry, Registry, by_fields
from docstore.codec.values.optional_types import TAGS
from docstore.codec.values.tags import BY_TAG
from docstore.documents.canonical import loads
from docstore.documents.kinds import EXPERIMENT, Kind
from docstore.errors import EncodeError, InvalidValueError, RegistryError, UnknownTagError
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.registry.model_classes import model_registry
from docstore.sqa_store.sqa_config import SQAConfig
from docstore.testing.exact import identity


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


@dataclass
class Tuning:
    rate: float
    colour: Colour


@dataclass(eq=False)
class Tuned(Metric):
    tuning: Tuning | None = None


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

    @pytest.mark.parametrize("argument", ["metric_clss", "runner_clss"])
    @pytest.mark.parametrize("number", [True, False, 1.0, -1, 2**31, "1"])
    def test_is_refused_if_it_is_none_that_a_column_takes(self, argument, number):
        with pytest.raises(InvalidValueError, match=rf"{argument}\[Loss\].*from 0 to 2147483647, or None"):
            RegistryBundle(**{argument: {Loss: number}})

    def test_may_be_the_largest(self):
        assert RegistryBundle({Loss: 2**31 - 1}).metric_registry == {Loss: 2**31 - 1}

    def test_of_two_is_refused_with_one_that_is_free(self):
        with pytest.raises(RegistryError, match=r"\{Cluster: 1\}"):
            RegistryBundle({Loss: 2**31 - 1, Remote: 0, Cluster: 2**31 - 1})

    def test_that_is_derived_may_not_be_given_to_another(self):
        with pytest.raises(RegistryError, match="Loss and Cluster share the integer 1891712612"):
            RegistryBundle({Loss: None, Cluster: 1891712612})

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

    @pytest.mark.parametrize("argument", ["metric_clss", "runner_clss"])
    @pytest.mark.parametrize("name", ["Experiment", "Metric", "TrialStatus"])
    def test_that_one_of_docstores_classes_has_is_refused_when_the_bundle_is_made(self, argument, name):
        with pytest.raises(RegistryError, match=f"tag '{name}'"):
            RegistryBundle(**{argument: {named(name): None}})

    @pytest.mark.parametrize("tag", sorted({*BY_TAG, *TAGS}))
    def test_that_is_a_tag_of_docstores_own_is_refused_by_the_codec(self, tag):
        with pytest.raises(RegistryError, match="docstore's own"):
            Codec(Registry([Entry(Point, tag)]))

    @pytest.mark.parametrize(
        "arguments",
        [
            {"classes": [named("date")]},
            {"metric_clss": {named("UUID"): 1}},
            {"json_encoder_registry": {Decimal: lambda number: {"text": str(number)}}},
            {"json_decoder_registry": {"tuple": lambda members: members}},
            {"json_decoder_registry": {"numpy.ndarray": Point}},
        ],
    )
    def test_that_is_a_tag_of_docstores_own_is_refused_when_the_bundle_is_made(self, arguments):
        with pytest.raises(RegistryError, match="docstore's own"):
            RegistryBundle(**arguments)


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

        assert registry.of_class(subclass).kind is EXPERIMENT


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

    def test_a_class_that_was_renamed_is_read_from_its_old_names_and_written_under_its_own(self):
        bundle = RegistryBundle({Loss: None}, json_decoder_registry={"OldLoss": Loss, "OlderLoss": Loss})

        old, older = docstore.loads(b'[{"__type":"OldLoss","name":"a"},{"__type":"OlderLoss","name":"a"}]', bundle)

        assert identity(old) == identity(older) == identity(Loss("a"))
        assert loads(docstore.dumps(old, bundle))["__type"] == "Loss"

    def test_an_encoder_with_a_tag_of_its_own_goes_with_a_class_for_a_decoder(self):
        bundle = RegistryBundle(
            json_encoder_registry={Point: lambda point: {"__type": "P", "x": point.x, "y": point.y}},
            json_decoder_registry={"P": Point},
        )

        assert docstore.loads(docstore.dumps(Point(1.0, 2.0), bundle), bundle) == Point(1.0, 2.0)

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


class TestAnArgumentThatIsSomethingElse:
    """It is refused when the bundle is made, with what to write."""

    @pytest.mark.parametrize(
        ("arguments", "remedy"),
        [
            ({"metric_clss": {Colour.RED: None}}, r"the class itself: metric_clss=\{Colour: \.\.\.\}"),
            ({"metric_clss": {"Loss": None}}, r"the class itself: metric_clss=\{Loss: \.\.\.\}"),
            ({"metric_clss": [Loss]}, r"a dict, as in metric_clss=\{MyMetric: None\}"),
            ({"runner_clss": Cluster}, r"a dict, as in runner_clss=\{MyRunner: None\}"),
            ({"runner_clss": {Pair(1, 2): None}}, r"the class itself: runner_clss=\{Pair: \.\.\.\}"),
            ({"classes": Point}, r"several, as in classes=\[Point\]"),
            ({"classes": Colour}, r"several, as in classes=\[Colour\]"),
            ({"classes": "Point"}, r"several, as in classes=\[Point\]"),
            ({"classes": 3}, r"several, as in classes=\[int\]"),
            ({"classes": [Point(1.0)]}, r"the class itself: classes=\[Point\]"),
            ({"classes": ["Point"]}, r"the class itself: classes=\[Point\]"),
            ({"json_encoder_registry": {Pair(1, 2): vars}}, r"the class itself: json_encoder_registry=\{Pair: "),
            ({"json_encoder_registry": {Point: "vars"}}, r"json_encoder_registry\[Point\].*a function that takes an "),
            ({"json_encoder_registry": {"Point": vars}}, r"A registry by tag goes to json_decoder_registry"),
            ({"json_decoder_registry": {Point: Point}}, r"A registry by class goes to json_encoder_registry"),
            ({"json_decoder_registry": {3: Point}}, r"tags, which are texts\. As in \{'MyClass': MyClass\}"),
            ({"json_decoder_registry": {"Point": 3}}, r"json_decoder_registry\['Point'\].*the class, or a function"),
            ({"json_class_encoder_registry": {"Point": vars}}, r"by tag goes to json_class_decoder_registry"),
            ({"json_class_encoder_registry": {Point: None}}, r"a function that takes a class"),
            ({"json_class_decoder_registry": {Point: vars}}, r"by class goes to json_class_encoder_registry"),
            ({"json_class_decoder_registry": {"Type[Point]": Point}}, r"finds the class.*lambda members: MyBase"),
        ],
        ids=str,
    )
    def test_is_refused_with_what_to_write(self, arguments, remedy):
        with pytest.raises(InvalidValueError, match=remedy):
            RegistryBundle(**arguments)

    @pytest.mark.parametrize(
        ("argument", "attribute"),
        [
            ("metric_clss", "metric_registry"),
            ("runner_clss", "runner_registry"),
            ("json_encoder_registry", "encoder_registry"),
            ("json_class_encoder_registry", "class_encoder_registry"),
            ("json_decoder_registry", "decoder_registry"),
            ("json_class_decoder_registry", "class_decoder_registry"),
        ],
    )
    def test_that_is_a_whole_bundle_is_refused_with_its_registry_to_take(self, argument, attribute):
        with pytest.raises(InvalidValueError, match=rf"{argument}=bundle\.{attribute}\.") as caught:
            RegistryBundle(**{argument: RegistryBundle()})

        assert "from_registry_bundles" in str(caught.value)

    @pytest.mark.parametrize("given", [{}, {Point: vars}, [Point], RegistryBundle], ids=str)
    @pytest.mark.parametrize(
        "call",
        [
            lambda given: docstore.dumps(1, given),
            lambda given: docstore.loads("1", given),
            lambda given: docstore.connect("sqlite://", bundle=given),
            lambda given: RegistryBundle.from_registry_bundles(RegistryBundle(), given),
        ],
        ids=["dumps", "loads", "connect", "from_registry_bundles"],
    )
    def test_in_place_of_a_bundle_is_refused_with_the_argument_that_takes_it(self, call, given):
        with pytest.raises(InvalidValueError, match=r"Give a RegistryBundle\(\.\.\.\).*json_encoder_registry="):
            call(given)

    def test_in_place_of_a_bundle_may_be_a_config_that_has_one(self):
        with pytest.raises(InvalidValueError, match=r"config\.bundle"):
            docstore.dumps(1, SQAConfig())


def as_text(point: Point) -> dict[str, Any]:
    return {"text": f"{point.x} {point.y}"}


def from_text(members: dict[str, Any]) -> Point:
    return Point(*map(float, members["text"].split()))


def names_itself(cls: type) -> dict[str, Any]:
    return {"name": cls.__name__}


def finds_loss(members: dict[str, Any]) -> type:
    return Loss


EVERYTHING = (
    {Loss: 0, Remote: None},
    {Cluster: 7},
    {Point: as_text},
    {Metric: names_itself},
    {"Point": from_text, "OldColour": Colour},
    {"Type[Metric]": finds_loss},
)
"""All six registries, in the order in which Ax's bundle takes them."""


def registries(bundle: RegistryBundle) -> dict[str, Any]:
    return {
        "metrics": bundle.metric_registry,
        "runners": bundle.runner_registry,
        "encoders": bundle.encoder_registry,
        "class encoders": bundle.class_encoder_registry,
        "decoders": bundle.decoder_registry,
        "class decoders": bundle.class_decoder_registry,
    }


class TestTheRegistriesOfABundle:
    def test_are_given_in_the_order_that_ax_has(self):
        assert registries(RegistryBundle(*EVERYTHING)) == {
            "metrics": {Loss: 0, Remote: 1998671878},
            "runners": {Cluster: 7},
            "encoders": {Point: as_text, **dict.fromkeys((Loss, Remote, Cluster, Colour), by_fields)},
            "class encoders": {Metric: names_itself},
            "decoders": {
                "Point": from_text,
                "OldColour": Colour,
                "Loss": Loss,
                "Remote": Remote,
                "Cluster": Cluster,
                "Colour": Colour,
            },
            "class decoders": {"Type[Metric]": finds_loss},
        }

    def test_make_the_same_bundle_again(self):
        bundle = RegistryBundle(*EVERYTHING, classes=[Pair])

        assert registries(RegistryBundle(*registries(bundle).values())) == registries(bundle)

    @pytest.mark.parametrize(
        "which", ["metrics", "runners", "encoders", "class encoders", "decoders", "class decoders"]
    )
    def test_are_copies_that_the_bundle_does_not_share(self, which):
        bundle = RegistryBundle(*EVERYTHING)

        registries(bundle)[which].clear()

        assert registries(bundle) == registries(RegistryBundle(*EVERYTHING))


class TestSeveralBundles:
    """Put together by from_registry_bundles."""

    def test_make_one_with_all_that_they_have(self):
        metrics, runners, encoders, class_encoders, decoders, class_decoders = EVERYTHING

        together = RegistryBundle.from_registry_bundles(
            RegistryBundle(metrics, json_encoder_registry=encoders),
            RegistryBundle(runner_clss=runners, json_decoder_registry=decoders),
            RegistryBundle(json_class_encoder_registry=class_encoders, json_class_decoder_registry=class_decoders),
            RegistryBundle(classes=[Pair]),
        )

        assert registries(together) == registries(RegistryBundle(*EVERYTHING, classes=[Pair]))

    def test_may_say_the_same(self):
        bundle = RegistryBundle(*EVERYTHING, classes=[Pair])

        assert registries(RegistryBundle.from_registry_bundles(bundle, bundle)) == registries(bundle)

    def test_may_be_none(self):
        assert registries(RegistryBundle.from_registry_bundles()) == registries(RegistryBundle())

    def test_stay_as_they_are(self):
        one, other = RegistryBundle({Loss: 1}), RegistryBundle({Remote: 2})

        RegistryBundle.from_registry_bundles(one, other)

        assert (one.metric_registry, other.metric_registry) == ({Loss: 1}, {Remote: 2})

    @pytest.mark.parametrize(
        "classes",
        [
            RegistryBundle(classes=[Point]),
            RegistryBundle(
                json_encoder_registry=RegistryBundle(classes=[Point]).encoder_registry,
                json_decoder_registry=RegistryBundle(classes=[Point]).decoder_registry,
            ),
        ],
        ids=["as a class", "by another's registries"],
    )
    def test_give_a_class_to_one_and_its_functions_to_another(self, classes):
        functions = RegistryBundle(json_encoder_registry={Point: as_text}, json_decoder_registry={"Point": from_text})

        together = RegistryBundle.from_registry_bundles(functions, classes)

        assert docstore.dumps(Point(1.0, 2.0), together) == b'{"__type":"Point","text":"1.0 2.0"}'
        assert docstore.loads(b'{"__type":"Point","text":"1.0 2.0"}', together) == Point(1.0, 2.0)

    @pytest.mark.parametrize(
        ("one", "other", "problem"),
        [
            ({"metric_clss": {Loss: 1}}, {"metric_clss": {Loss: 2}}, "Loss has two integers, 1 and 2"),
            ({"runner_clss": {Cluster: 0}}, {"runner_clss": {Cluster: None}}, "Cluster has two integers, 0 and "),
            ({"metric_clss": {Loss: 1}}, {"metric_clss": {Remote: 1}}, "Loss and Remote share the integer 1"),
            ({"classes": [named("Twin")]}, {"metric_clss": {named("Twin"): 1}}, "tag 'Twin'"),
            (
                {"json_encoder_registry": {Point: as_text}},
                {"json_encoder_registry": {Point: vars}},
                r"Point has two encoders, test_registry\.as_text and builtins\.vars",
            ),
            (
                {"json_decoder_registry": {"P": from_text}},
                {"json_decoder_registry": {"P": Point}},
                r"'P' has two decoders, test_registry\.from_text and test_registry\.Point",
            ),
            (
                {"json_class_encoder_registry": {Metric: names_itself}},
                {"json_class_encoder_registry": {Metric: vars}},
                r"Metric has two class encoders",
            ),
            (
                {"json_class_decoder_registry": {"Type[Metric]": finds_loss}},
                {"json_class_decoder_registry": {"Type[Metric]": vars}},
                r"'Type\[Metric\]' has two class decoders",
            ),
        ],
        ids=case_name,
    )
    def test_that_say_different_things_are_refused(self, one, other, problem):
        with pytest.raises(RegistryError, match=problem):
            RegistryBundle.from_registry_bundles(RegistryBundle(**one), RegistryBundle(**other))


class TestTheConfigOfABundle:
    """What sqa_store takes as config=."""

    BUNDLE = RegistryBundle(*EVERYTHING, classes=[Pair])

    def test_has_all_of_the_bundle(self):
        assert registries(self.BUNDLE.sqa_config.bundle) == registries(self.BUNDLE)

    def test_has_no_enums(self):
        config = self.BUNDLE.sqa_config

        assert (config.experiment_type_enum, config.generator_run_type_enum) == (None, None)

    def test_is_equal_each_time_so_that_it_stands_for_one_store(self):
        assert self.BUNDLE.sqa_config == self.BUNDLE.sqa_config

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({"metric_registry": {Loss: True}}, r"metric_registry\[Loss\]"),
            ({"metric_registry": RegistryBundle()}, r"metric_registry=bundle\.metric_registry.*bundle\.sqa_config"),
            ({"runner_registry": {"Cluster": 1}}, r"the class itself: runner_registry=\{Cluster: "),
            ({"json_encoder_registry": RegistryBundle()}, r"json_encoder_registry=bundle\.encoder_registry"),
            ({"json_class_decoder_registry": {Loss: vars}}, r"json_class_encoder_registry"),
        ],
    )
    def test_is_refused_where_it_is_made_with_something_else(self, arguments, problem):
        with pytest.raises(InvalidValueError, match=problem):
            SQAConfig(**arguments)


class TestARegistry:
    def test_is_a_value_that_adding_does_not_change(self):
        registry = Registry([Entry(Point, "Point")])

        more = registry.with_entries([Entry(Colour, "Colour")])

        assert [entry.cls for entry in registry.entries] == [Point]
        assert [entry.cls for entry in more.entries] == [Point, Colour]

    def test_lets_a_later_entry_take_the_place_of_one_for_the_same_class(self):
        registry = Registry([Entry(Point, "Point")]).with_entries([Entry(Point, "Point", kind=Kind("note"))])

        assert registry.of_class(Point).kind == Kind("note")

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


class TestWhatTheAnnotationsOfABundlesClassesName:
    """A metric has a nested dataclass: it comes with the metric."""

    def test_comes_with_them(self):
        bundle = RegistryBundle({Tuned: None})
        metric = Tuned("m", tuning=Tuning(0.5, Colour.RED))

        assert identity(docstore.loads(docstore.dumps(metric, bundle), bundle)) == identity(metric)

    def test_comes_with_the_registries_of_the_seed(self, tmp_path):
        bundle = RegistryBundle({Tuned: None}, {Cluster: None})
        experiment = objective(Tuned("m", tuning=Tuning(0.5, Colour.RED)))

        save_experiment(experiment, tmp_path / "e.json", encoder_registry=bundle.encoder_registry)
        loaded = load_experiment(tmp_path / "e.json", decoder_registry=bundle.decoder_registry)

        assert identity(loaded) == identity(experiment)

    def test_is_refused_with_the_bundle_where_it_cannot_be_stored(self):
        @dataclass(eq=False)
        class Locked(Metric):
            lock: threading.Thread | None = None

        with pytest.raises(RegistryError, match=r"Locked\.lock is annotated"):
            RegistryBundle({Locked: None})
