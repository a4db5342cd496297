"""The fields of benchmarks and simulators."""

from __future__ import annotations

from dataclasses import fields

from ax.benchmark.benchmark_method import BenchmarkMethod
from ax.benchmark.benchmark_metric import (
    BenchmarkMapMetric,
    BenchmarkMapUnavailableWhileRunningMetric,
    BenchmarkMetric,
    BenchmarkTimeVaryingMetric,
)
from ax.benchmark.benchmark_result import AggregatedBenchmarkResult, BenchmarkResult
from ax.benchmark.benchmark_trial_metadata import BenchmarkTrialMetadata
from ax.utils.testing.backend_simulator import BackendSimulator, BackendSimulatorOptions, SimTrial

from docstore.ax.core import METRIC
from docstore.ax.entries import entry

ENTRIES = (
    *(
        entry(cls, *METRIC, "observe_noise_sd")
        for cls in (
            BenchmarkMapMetric,
            BenchmarkMapUnavailableWhileRunningMetric,
            BenchmarkMetric,
            BenchmarkTimeVaryingMetric,
        )
    ),
    *(
        entry(cls, *(field.name for field in fields(cls)))
        for cls in (
            AggregatedBenchmarkResult,
            BackendSimulatorOptions,
            BenchmarkMethod,
            BenchmarkResult,
            BenchmarkTrialMetadata,
            SimTrial,
        )
    ),
    entry(
        BackendSimulator,
        "options",
        "_queued",
        "_running",
        "_failed",
        "_completed",
        "_verbose_logging",
        "_index_to_trial_map",
    ),
)
