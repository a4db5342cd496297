"""A generation strategy: the state of an optimizer (its nodes, the current one, its generator runs), no optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from docstore.documents.display import counted
from docstore.errors import InvalidValueError
from docstore.model.checks import check_instances, check_name, check_unique, short_dataclass_repr
from docstore.model.generator_run import GeneratorRun
from docstore.model.part_dict import PartDict, sort_keys
from docstore.model.statuses import ExperimentStatus


@dataclass
class GenerationNode:
    """One stage of a strategy: how it generates, and when another stage follows, in the optimizer's own format."""

    name: str
    generator_specs: list[dict[str, Any]] = field(default_factory=list)
    transition_criteria: list[dict[str, Any]] = field(default_factory=list)
    should_deduplicate: bool = False
    previous_node_name: str | None = None
    trial_type: str | None = None
    suggested_experiment_status: ExperimentStatus | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = check_name("name of a generation node", self.name)

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(init=False, repr=False)
class GenerationStrategy:
    """The nodes of an optimizer, the current one, and its generator runs, oldest first."""

    name: str
    experiment_name: str | None = None
    _nodes: list[GenerationNode] = field(default_factory=list)
    _current_node_name: str = ""
    # By number, from 0: each is a part of the document, so that one more run costs one row.
    _generator_runs: dict[int, GeneratorRun] = field(default_factory=dict)

    def __init__(
        self, nodes: Sequence[GenerationNode], name: str | None = None, experiment_name: str | None = None
    ) -> None:
        given = check_instances("node of a generation strategy", nodes, GenerationNode)
        if not given:
            raise InvalidValueError("nodes of a generation strategy", [], "Give one at least.")
        check_unique("node of a generation strategy", (node.name for node in given), "Give each node its own name.")
        self._nodes, self._current_node_name, self._generator_runs = given, given[0].name, PartDict()
        # Ax names a strategy after its stages too, if it has no name.
        self.name = check_name("name of a generation strategy", name or "+".join(node.name for node in given))
        self.experiment_name = None if experiment_name is None else check_name("experiment_name", experiment_name)

    def __docstore_restored__(self) -> None:
        runs: Any = self._generator_runs
        if isinstance(runs, list):  # as they were stored before they were parts
            runs = dict(enumerate(runs))
        if isinstance(runs, dict):
            self._generator_runs = runs if isinstance(runs, PartDict) else PartDict(runs)
            sort_keys(self._generator_runs)

    @property
    def nodes(self) -> list[GenerationNode]:
        """Every node, in order."""
        return list(self._nodes)

    @property
    def nodes_by_name(self) -> dict[str, GenerationNode]:
        """Every node by its name."""
        return {node.name: node for node in self._nodes}

    @property
    def current_node(self) -> GenerationNode:
        """The node that generates next."""
        return self.nodes_by_name[self._current_node_name]

    @property
    def current_node_name(self) -> str:
        """The name of the node that generates next; assign another node's name to move on."""
        return self._current_node_name

    @current_node_name.setter
    def current_node_name(self, name: str) -> None:
        if name not in self.nodes_by_name:
            raise InvalidValueError(
                "current node", name, f"The strategy has {', '.join(map(repr, self.nodes_by_name))}."
            )
        self._current_node_name = name

    @property
    def generator_runs(self) -> list[GeneratorRun]:
        """The generator runs, oldest first."""
        return list(self._generator_runs.values())

    @property
    def last_generator_run(self) -> GeneratorRun | None:
        """The newest generator run, or None."""
        return self._generator_runs[max(self._generator_runs)] if self._generator_runs else None

    def add_generator_run(self, generator_run: GeneratorRun) -> None:
        """Add a generator run, of the current node unless it names another."""
        check_instances("generator run", [generator_run], GeneratorRun)
        if generator_run.generation_node_name is None:
            generator_run.generation_node_name = self._current_node_name
        number = max(list(self._generator_runs), default=-1) + 1
        while self._generator_runs.setdefault(number, generator_run) is not generator_run:
            number += 1  # another thread added one meanwhile

    def __repr__(self) -> str:
        runs = counted(len(self._generator_runs), "generator run")
        return f"GenerationStrategy({self.name!r}, at {self._current_node_name!r}, {runs})"
