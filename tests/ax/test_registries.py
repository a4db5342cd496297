"""Ax's own ``RegistryBundle``, its registries and ``SQAConfig``, given to docstore's calls."""

from __future__ import annotations

from typing import Any

import pytest
from ax.api.protocols import IMetric, IRunner
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.runner import Runner
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY, CORE_ENCODER_REGISTRY
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.sqa_store.sqa_config import SQAConfig as SQAConfigOfAx
from ax.utils.testing import core_stubs
from exactly import differences

import docstore
from docstore.errors import EncodeError, InvalidValueError, RegistryError
from docstore.json_store.decoder import object_from_json
from docstore.json_store.encoder import object_to_json
from docstore.registry.bundle import SQAConfig
from docstore.sqa_store.db import checked_config


class Latency(Metric):
    def __init__(self, name: str, percentile: float = 0.99) -> None:
        super().__init__(name, lower_is_better=True)
        self._percentile = percentile


class Clicks(IMetric):
    def fetch(self, trial_index: int, trial_metadata: Any) -> tuple[int, float]:
        return 0, 1.0


class Lab(Runner):
    def __init__(self, host: str) -> None:
        self.host = host

    def run(self, trial: Any) -> dict[str, Any]:
        return {}


class Site(IRunner):
    def run_trial(self, trial_index: int, parameterization: Any) -> dict[str, Any]:
        return {}

    def poll_trial(self, trial_index: int, trial_metadata: Any) -> Any: ...

    def stop_trial(self, trial_index: int, trial_metadata: Any) -> dict[str, Any]:
        return {}


METRICS, RUNNERS = {Latency: None, Clicks: None}, {Lab: None, Site: None}


@pytest.fixture(params=[Lab("local"), Site()], ids=["Runner", "IRunner"])
def experiment(request) -> Experiment:
    return Experiment(
        name="branin",
        search_space=core_stubs.get_branin_search_space(),
        tracking_metrics=[Latency("latency", 0.5), Clicks("clicks")],
        runner=request.param,
    )


@pytest.fixture
def bundle() -> RegistryBundle:
    return RegistryBundle(metric_clss=METRICS, runner_clss=RUNNERS)


class TestABundle:
    def test_stores_its_classes_exactly(self, bundle, experiment):
        assert differences(experiment, docstore.loads(docstore.dumps(experiment, bundle), bundle)) == []

    def test_writes_what_docstores_own_writes(self, bundle, experiment):
        assert docstore.dumps(experiment, bundle) == docstore.dumps(
            experiment, docstore.RegistryBundle(METRICS, RUNNERS)
        )

    def test_may_be_that_of_a_store(self, bundle, experiment):
        store = docstore.connect("sqlite://", bundle=bundle)

        store.save(experiment)

        assert differences(experiment, store.load("branin")) == []

    def test_may_be_combined_with_docstores_own(self, experiment):
        parts = (RegistryBundle(METRICS, {}), docstore.RegistryBundle({}, RUNNERS))

        together = docstore.RegistryBundle.from_registry_bundles(*parts)

        assert docstore.loads(docstore.dumps(experiment, together), together).name == "branin"

    def test_gives_the_registries_of_a_call(self, bundle, experiment):
        stored = object_to_json(experiment, bundle.encoder_registry, bundle.class_encoder_registry)

        loaded = object_from_json(stored, bundle.decoder_registry, bundle.class_decoder_registry)

        assert differences(experiment, loaded) == []

    def test_gives_the_registries_of_a_config_of_docstores(self, bundle, experiment):
        config = SQAConfig(
            json_encoder_registry=bundle.encoder_registry,
            json_decoder_registry=bundle.decoder_registry,
            metric_registry=bundle.metric_registry,
            runner_registry=bundle.runner_registry,
        )

        assert docstore.dumps(experiment, config.bundle) == docstore.dumps(experiment, bundle)

    def test_with_a_class_that_has_other_attributes_is_refused_by_their_names(self, bundle):
        metric = Latency("latency")
        metric.unit = "ms"

        with pytest.raises(EncodeError, match="'unit', which is not one of its fields"):
            docstore.dumps(metric, bundle)

    def test_with_the_name_of_a_class_of_docstores_is_refused(self):
        with pytest.raises(RegistryError, match="Metric"):
            docstore.dumps(1, RegistryBundle({type("Metric", (Metric,), {}): None}, {}))


@pytest.mark.parametrize("cls", [RegistryBundle, docstore.RegistryBundle], ids=["of Ax", "of docstore"])
def test_a_function_of_the_users_own_beside_those_of_ax_is_called(cls):
    def host_alone(lab: Lab) -> dict[str, Any]:
        return {"__type": "Lab", "host": lab.host}

    bundle = cls(
        metric_clss={},
        runner_clss={},
        json_encoder_registry={**CORE_ENCODER_REGISTRY, Lab: host_alone},
        json_decoder_registry={**CORE_DECODER_REGISTRY, "Lab": Lab},
    )

    text = docstore.dumps(Lab("local"), bundle)

    assert text == b'{"__type":"Lab","host":"local"}'
    assert docstore.loads(text, bundle).host == "local"


class TestAConfig:
    def test_has_the_classes_of_its_bundle(self, bundle):
        config = checked_config(bundle.sqa_config)

        assert (config.metric_registry.keys(), config.runner_registry.keys()) == (METRICS.keys(), RUNNERS.keys())

    def test_without_anything_is_docstores_default(self):
        assert checked_config(SQAConfigOfAx()) == SQAConfig()

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("EXPERIMENT_TYPES_WITH_NO_DATA_STORAGE", {"tuning"}), ("class_to_sqa_class", {Metric: Lab})],
    )
    def test_with_tables_of_its_own_is_refused_by_name(self, argument, value):
        with pytest.raises(InvalidValueError, match=argument):
            checked_config(SQAConfigOfAx(**{argument: value}))
