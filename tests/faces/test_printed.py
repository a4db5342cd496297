"""What a person sees of an object: a line in a terminal, a table in a notebook, a difference without bookkeeping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import memory
import pytest
from pydantic import BaseModel

import docstore
from docstore import (
    AnalysisCard,
    Arm,
    Change,
    ChoiceParameter,
    Data,
    Experiment,
    GenerationNode,
    GenerationStrategy,
    Metric,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    SearchSpace,
)
from docstore.documents.display import html_table

ATTACK = "<script>alert('x')</script>"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def measured(name: str = "bread", *, trials: int = 3, word: str = "rye", metric: str = "crust") -> Experiment:
    """Return an experiment of completed trials, with *word* wherever a person may write."""
    space = SearchSpace(
        [
            RangeParameter("celsius", ParameterType.FLOAT, 180.0, 250.0),
            ChoiceParameter(word, ParameterType.STRING, [word, "spelt"]),
        ]
    )
    config = OptimizationConfig(Objective(metric=Metric(metric), minimize=False))
    experiment = Experiment(space, name, config, description=word)
    for number in range(trials):
        trial = experiment.new_trial(parameters={"celsius": 200.0 + number / 3, word: word})
        record = {"trial_index": number, "arm_name": trial.arm.name, "metric_name": metric, "mean": number / 7}
        experiment.attach_data(Data.from_records([{**record, "source": word}]))
        trial.mark_running().mark_failed(word) if number == 0 else trial.mark_running().mark_completed()
    return experiment


class Lab:
    """A store with an experiment of three versions, the last of an edit, and everything that can be read of it."""

    def __init__(self, store: docstore.Store, *, word: str = "rye", name: str = "bread", trials: int = 3) -> None:
        self.store = store
        self.experiment = measured(name, trials=trials, word=word, metric=word)
        self.first = self.store.save(self.experiment, author=word, message=word)
        self.batch = self.experiment.new_batch_trial()
        self.batch.add_arms_and_weights([Arm({"celsius": 190.0 + number, word: word}) for number in range(2)])
        self.status = self.store.status(self.experiment)
        self.store.save(self.experiment, author="ada")
        self.experiment.properties["oven"] = word
        self.last = self.store.save(self.experiment, author="ada")
        self.found = self.store.find()
        self.parts = self.store.find(part="trial")
        self.history = self.store.history(name)
        self.history_at = self.store.history(name, pointer="/properties/oven")
        self.blame = self.store.blame(name, "/properties/oven")
        self.best = self.store.best(name)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with memory.in_memory() as store:
        yield Lab(store)


LINES: dict[str, tuple[Callable[[Lab], object], str]] = {
    "a version": (lambda lab: lab.first, rf"Version\(1, 1 change, by rye, {TIME}, 'rye'\)"),
    "a version without a message": (lambda lab: lab.last, rf"Version\(3, 1 change, by ada, {TIME}\)"),
    "a change": (lambda lab: lab.last.changes[0], r"Change\('add', '/properties/oven'\)"),
    "a history": (lambda lab: lab.history, r"Timeline\('bread', 3 versions\)"),
    "the history of a value": (lambda lab: lab.history_at, rf"\[Version\(3, 1 change, by ada, {TIME}\)\]"),
    "blame": (lambda lab: lab.blame, rf"\[Blame\(nothing -> 'rye', version 3, by ada, {TIME}\)\]"),
    "documents found": (
        lambda lab: lab.found,
        rf"\[DocumentInfo\('bread', experiment, DRAFT, version 3, {TIME}\)\]",
    ),
    "a part found": (lambda lab: lab.parts[0], rf"PartInfo\('bread', /trials/0, FAILED, version 1, {TIME}\)"),
    "a status": (lambda lab: lab.status, r"Status\(\['trial 3: added, CANDIDATE, 2 arms: 3_0, 3_1'\]\)"),
    "a diff": (lambda lab: lab.store.diff("bread", 2, 3), r"Diff\(\['properties/oven: added rye'\]\)"),
    "the best arms": (
        lambda lab: lab.best,
        r"\[BestArm\(0.28\d+, arm '2_0', trial 2, \{'celsius': 200.66\d+, 'rye': 'rye'\}\)\]",
    ),
    "similar experiments": (
        lambda lab: lab.store.similar(lab.experiment.search_space),
        rf"\[Similar\('bread', \('celsius', 'rye'\), overlap 1, {TIME}\)\]",
    ),
    "an experiment": (lambda lab: lab.experiment, r"Experiment\('bread', 4 trials\)"),
    "an experiment of one trial": (lambda _: measured(trials=1), r"Experiment\('bread', 1 trial\)"),
    "a batch trial": (lambda lab: lab.batch, r"BatchTrial\(index=3, status=CANDIDATE, arms=\['3_0', '3_1'\]\)"),
    "a generator run": (lambda lab: lab.batch.generator_runs[0], r"GeneratorRun\(2 arms, total weight 2.0\)"),
    "data": (lambda lab: lab.experiment.data, r"Data\(3 observations of rye\)"),
    "a search space": (lambda lab: lab.experiment.search_space, r"SearchSpace\(2 parameters: \['celsius', 'rye'\]\)"),
    "a parameter": (
        lambda lab: lab.experiment.parameters["celsius"],
        r"RangeParameter\(name='celsius', parameter_type=FLOAT, lower=180.0, upper=250.0\)",
    ),
    "a generation strategy": (
        lambda _: GenerationStrategy([GenerationNode("sobol")]),
        r"GenerationStrategy\('sobol', at 'sobol', 0 generator runs\)",
    ),
    "a generation node": (lambda _: GenerationNode("sobol"), r"GenerationNode\(name='sobol'\)"),
}


class TestInATerminal:
    """A cell or a line that ends in the object shows its repr: a line that says what a person looks for."""

    @pytest.mark.parametrize(("read", "line"), LINES.values(), ids=LINES)
    def test_reads(self, lab: Lab, read: Callable[[Lab], object], line: str) -> None:
        assert re.fullmatch(line, repr(read(lab)))

    def test_a_folded_version_and_what_compact_did(self) -> None:
        with memory.in_memory() as store:
            for number in range(3):
                store.put("note", "n", number)

            compacted = store.compact("n", kind="note", keep=1)

            assert repr(compacted).startswith("Compacted(note 'n', 1 of 3 versions kept, 2 folded, ")
            assert re.fullmatch(rf"Version\(2, folded, by .*, {TIME}\)", repr(store.history("n", kind="note")[1]))
            assert "one of versions 1 to 3, by " in repr(store.blame("n", "", kind="note"))

    def test_constraints_are_counted(self) -> None:
        space = SearchSpace(
            [RangeParameter("x", ParameterType.FLOAT, 0, 1), RangeParameter("y", ParameterType.FLOAT, 0, 1)],
            [ParameterConstraint("x + y <= 1")],
        )

        assert repr(space) == "SearchSpace(2 parameters: ['x', 'y'], 1 constraint)"

    def test_an_arm_that_breaks_a_constraint_is_marked(self) -> None:
        experiment = measured()
        experiment.optimization_config.outcome_constraints = [OutcomeConstraint("crust >= 9")]
        with memory.in_memory() as store:
            store.save(experiment)

            assert repr(store.best("bread")[0]).endswith(", not feasible)")

    @pytest.mark.parametrize(
        "long",
        [
            Change("replace", "/a", ["old"] * 10_000),
            AnalysisCard("card", df=[{"x": 1}] * 10_000, blob="b" * 10_000),
            SearchSpace([RangeParameter(f"x{number}", ParameterType.FLOAT, 0, 1) for number in range(1_000)]),
            docstore.diff(measured(trials=0), measured(trials=100)),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_is_long_is_cut(self, long: object) -> None:
        assert len(repr(long)) < 1_000


# --- in a notebook ----------------------------------------------------------------------------------------------------

SHOWN: dict[str, Callable[[Lab], Any]] = {
    "a version": lambda lab: lab.first,
    "a history": lambda lab: lab.history,
    "the history of a value": lambda lab: lab.history_at,
    "blame": lambda lab: lab.blame,
    "one change of blame": lambda lab: lab.blame[0],
    "documents found": lambda lab: lab.found,
    "parts found": lambda lab: lab.parts,
    "a page": lambda lab: lab.found.page(1),
    "the best arms": lambda lab: lab.best,
    "one best arm": lambda lab: lab.best[0],
    "similar experiments": lambda lab: lab.store.similar(lab.experiment.search_space),
    "an experiment": lambda lab: lab.experiment,
    "a trial": lambda lab: lab.experiment.trials[0],
    "a batch trial": lambda lab: lab.batch,
    "data": lambda lab: lab.experiment.data,
    "a search space": lambda lab: lab.experiment.search_space,
}


@dataclass(init=False)
class Goal(OptimizationConfig):
    """A class of the user."""


class Page(HTMLParser):
    """The tags, the texts and the attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown(value: Any) -> Page:
    return Page(value._repr_html_())


@pytest.fixture(scope="module")
def attacked() -> Iterator[Lab]:
    """A laboratory in which every text is HTML that would run."""
    with memory.in_memory() as store:
        yield Lab(store, word=ATTACK, name=ATTACK)


class TestInANotebook:
    def test_an_experiment_is_a_table_of_its_trials(self) -> None:
        assert shown(measured(trials=2)).texts == [
            "Experiment bread · DRAFT · 2 trials · objective crust · rye",
            *("trial", "status", "arm", "celsius", "rye", "crust"),
            *("0", "FAILED", "0_0", "200", "rye", "0"),
            *("1", "COMPLETED", "1_0", "200.333", "rye", "0.142857"),
        ]

    def test_a_trial_is_a_table_of_its_arms(self, lab: Lab) -> None:
        assert shown(lab.batch).texts[1:] == ["arm", "celsius", "rye", "3_0", "190", "rye", "3_1", "191", "rye"]

    def test_a_history_is_a_table_of_its_versions(self, lab: Lab) -> None:
        texts = [text for text in shown(lab.history).texts if not re.fullmatch(TIME, text)]

        assert texts == [
            "experiment bread · 3 versions",
            *("version", "saved", "by", "message", "changes"),
            *("3", "ada", "1"),
            *("2", "ada", "1"),
            *("1", "rye", "rye", "1"),
        ]

    def test_blame_shows_the_value_before_and_after(self, lab: Lab) -> None:
        assert shown(lab.blame).texts[-2:] == ["nothing", "'rye'"]

    def test_a_version_shows_the_places_that_changed(self, lab: Lab) -> None:
        assert shown(lab.last).texts[-1] == "changed: /properties/oven"

    def test_a_list_of_nothing_says_so(self, lab: Lab) -> None:
        alien = SearchSpace([RangeParameter("alien", ParameterType.FLOAT, 0, 1)])

        assert shown(lab.store.similar(alien)).texts == ["none"]

    def test_a_search_without_results_says_so(self, lab: Lab) -> None:
        assert shown(lab.store.find(name="nothing")).texts == ["Found · 0 rows"]

    def test_a_parameter_may_have_the_name_of_another_column(self) -> None:
        assert shown(measured(word="status", trials=1)).texts[1:7] == [
            *("trial", "status", "arm", "celsius", "status", "crust")
        ]

    @pytest.mark.parametrize("read", SHOWN.values(), ids=SHOWN)
    def test_no_text_is_taken_for_html_and_nothing_is_loaded(self, attacked: Lab, read: Callable[[Lab], Any]) -> None:
        page = shown(read(attacked))

        assert set(page.tags) <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
        assert {name for name, _ in page.attributes} <= {"style", "colspan"}
        assert not any("url" in (value or "") for _, value in page.attributes)

    def test_a_table_has_the_colours_of_the_page(self, lab: Lab) -> None:
        styles = ";".join(value or "" for name, value in shown(lab.experiment).attributes if name == "style")

        assert "background" not in styles
        assert set(re.findall(r"color:(\w+)", styles)) == {"inherit"}

    @pytest.mark.parametrize("name", ["a version", "a history", "an experiment", "a trial", "a batch trial", "data"])
    def test_what_a_person_wrote_is_there_as_it_is(self, attacked: Lab, name: str) -> None:
        assert any(ATTACK in text for text in shown(SHOWN[name](attacked)).texts)

    def test_a_column_of_data_may_have_any_key(self) -> None:
        record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "crust", "mean": 1.5, 7: "seven", (): "none"}

        assert shown(Data.from_records([record])).texts[5:] == ["7", "()", "0", "0_0", "crust", "1.5", "seven", "none"]

    def test_an_objective_of_an_unregistered_class_is_left_out(self, forgotten: None) -> None:
        docstore.register(Goal)
        text = docstore.dumps(
            Experiment(SearchSpace([]), "bread", Goal(Objective(metric=Metric("crust"), minimize=True)))
        )

        assert shown(docstore.loads(text.replace(b'"Goal"', b'"Gone"'), unknown="keep")).texts == [
            "Experiment bread · DRAFT · 0 trials"
        ]

    def test_a_lone_surrogate_can_be_sent(self) -> None:
        assert measured(word="\ud800")._repr_html_().encode()


class TestOfManyRows:
    """The first and the last are shown, and how many are left out."""

    @pytest.mark.parametrize("read", [lambda experiment: experiment, lambda experiment: experiment.data])
    def test_of_trials_and_of_data(self, read: Callable[[Experiment], Any]) -> None:
        page = shown(read(measured(trials=96)))

        assert (page.tags.count("tr"), page.texts.count("… 76 more …")) == (1 + 20 + 1, 1)
        assert {"0_0", "9_0", "86_0", "95_0"} <= set(page.texts)
        assert not {"10_0", "85_0"} & set(page.texts)

    def test_of_what_was_found_the_first(self) -> None:
        with memory.in_memory() as store:
            page = shown(Lab(store, trials=96).parts)

        assert (page.texts[0], page.texts[-1]) == ("Found · 97 rows", "… 77 more …")

    def test_of_versions_and_of_the_changes_of_a_value(self) -> None:
        with memory.in_memory() as store:
            for number in range(25):
                store.put("note", "n", number)

            assert "… 5 more …" in shown(store.history("n", kind="note")).texts
            assert shown(store.blame("n", "", kind="note")).texts[-1] == "and more"
            assert repr(store.blame("n", "", kind="note")).endswith(", ...]")

    def test_of_columns(self) -> None:
        page = Page(html_table([{f"x{number}": number for number in range(1_000)}]))

        assert (page.tags.count("th"), page.texts[40]) == (41, "… 960 more")

    def test_of_characters(self) -> None:
        assert len(html_table([{"message": "m" * 10_000}])) < 1_000


# --- differences ------------------------------------------------------------------------------------------------------


class Inner(BaseModel):
    x: int = 0


class Campaign(BaseModel):
    name: str = "c"
    budget: int = 1
    inner: Inner | None = None


class TestADifferenceHasNoBookkeeping:
    """What an object is stored with (which fields were set, the number of its schema) is in the patch only."""

    def test_of_an_object_that_pydantic_made(self, forgotten: None) -> None:
        docstore.register(Inner)
        docstore.document(kind="campaign")(Campaign)

        difference = docstore.diff(Campaign(), Campaign(budget=5, inner=Inner(x=2)))

        assert difference.words == ("budget: 1 -> 5", "inner: null -> Inner(x 2)")
        assert "/__set/0" in {step["path"] for step in difference.patch}

    def test_of_a_version_that_a_notebook_shows(self, forgotten: None) -> None:
        docstore.document(kind="campaign")(Campaign)
        with memory.in_memory() as store:
            campaign = Campaign()
            store.save(campaign)
            campaign.budget = 5

            assert shown(store.save(campaign)).texts[-1] == "changed: /budget"

    def test_blame_reads_an_object_likewise(self) -> None:
        with memory.in_memory() as store:
            store.put("note", "n", {"a": {"x": 1}})

            assert "nothing -> {x: 1}" in repr(store.blame("n", "/a", kind="note"))
