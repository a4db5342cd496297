"""What all plots have in common: which experiments they take, where they draw, and which files can be written."""

from __future__ import annotations

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from plotted import breads, many_breads, search_space, stepped

import docstore
from docstore import plots
from docstore.errors import EncodeError, FileAccessError, InvalidValueError, MissingDependencyError
from docstore.json_store.files import read
from docstore.plots.experiment_data import experiment_data

OF_AN_EXPERIMENT = [name for name in plots.PLOTS if name != "history"]
DRAWN_ON_AXES = [name for name in plots.PLOTS if name != "slices"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with an experiment that every plot has something to draw of; only read."""
    with docstore.connect(tmp_path_factory.mktemp("plots") / "lab.db", author="ada") as store:
        experiment = many_breads(24, objective="-loss, taste")
        data = {"trial_index": 3, "arm_name": "3_0", "metric_name": "loss", "sem": None}
        experiment.attach_data(docstore.Data([{**data, "mean": 2.0 - step, "step": step} for step in (0, 1)]))
        store.save(experiment)
        yield store


@pytest.fixture(scope="module")
def experiment(filled):
    return filled.load("bread")


def drawn(kind, source, **options):
    """Draw the plot *kind* of an experiment with two objectives."""
    if kind not in ("pareto", "statuses", "history"):
        options["metric"] = "loss"
    return plots.PLOTS[kind](source, **options)


def render(drawn):
    """Lay everything out, as to save a figure does; a warning fails the test."""
    (drawn[0] if isinstance(drawn, list) else drawn).figure.draw_without_rendering()


def source_of(kind, store, experiment):
    return store.history("bread") if kind == "history" else experiment


class TestEveryPlot:
    @pytest.mark.parametrize("kind", DRAWN_ON_AXES)
    def test_draws_on_the_axes_that_it_is_given_and_returns_them(self, filled, experiment, kind):
        figure = Figure()
        ax = figure.add_subplot()

        assert drawn(kind, source_of(kind, filled, experiment), ax=ax) is ax
        assert ax.get_xlabel() or kind == "parallel"

    @pytest.mark.parametrize("kind", plots.PLOTS)
    def test_leaves_settings_and_pyplot_alone(self, filled, experiment, kind):
        before = dict(mpl.rcParams)

        drawn(kind, source_of(kind, filled, experiment))

        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []

    @pytest.mark.parametrize("kind", OF_AN_EXPERIMENT)
    def test_says_so_where_there_is_nothing_to_draw_yet(self, kind):
        found = drawn(kind, breads(objective="-loss, taste"))

        axes = found if isinstance(found, list) else [found]
        assert all(any(text.get_text().startswith(("no ", "too few")) for text in ax.texts) for ax in axes)

    @pytest.mark.parametrize("kind", OF_AN_EXPERIMENT)
    def test_draws_a_single_trial(self, kind):
        render(drawn(kind, breads({"loss": 0.5, "taste": 1.0}, objective="-loss, taste")))

    @pytest.mark.parametrize("kind", OF_AN_EXPERIMENT)
    def test_draws_trials_that_all_failed(self, kind):
        render(drawn(kind, breads(None, None, objective="-loss, taste")))

    @pytest.mark.parametrize("kind", OF_AN_EXPERIMENT)
    def test_takes_names_that_would_be_mathematics(self, kind):
        named = breads({"loss": 0.5, "taste": 1.0}, {"loss": 0.4, "taste": 2.0}, objective="-loss, taste")
        named.name = "_cost in $ and $\\frac{a$ " + "of a long name " * 20

        render(drawn(kind, named))

    def test_draws_names_in_a_script_that_no_font_has(self, tmp_path):
        """A warning fails the test."""
        named = breads({"loss": 0.5})
        named.name = "\u30d1\u30f3 \U0001f35e"

        ax = plots.objective(named)
        plots.save(ax, tmp_path / "plot.png")

        assert ax.get_title("left") == named.name
        assert ax._repr_png_()

    @pytest.mark.parametrize("value", ["bread", None, 3, {"name": "bread"}, search_space()], ids=repr)
    def test_refuses_what_is_no_experiment(self, value):
        with pytest.raises(InvalidValueError, match=r"Give an experiment, as store\.load"):
            plots.statuses(value)


class TestAnExperimentAsItIsStored:
    def test_is_the_same_to_a_plot_as_the_object(self, filled, experiment):
        stored, in_memory = experiment_data(filled.get("bread")), experiment_data(experiment)

        assert stored.arms == in_memory.arms
        assert stored.targets == in_memory.targets
        assert stored.dimensions == in_memory.dimensions

    def test_needs_no_class_of_the_users(self, filled):
        class Loss(docstore.Metric):
            pass

        experiment = breads({"loss": 0.5})
        experiment.optimization_config.objective.metrics = [Loss("loss")]

        with pytest.raises(EncodeError, match="Loss"):
            plots.objective(experiment)

        bundle = docstore.RegistryBundle(metric_clss={Loss: None})
        with docstore.connect(filled.engine, project="classes", bundle=bundle) as store:
            store.save(experiment)
            assert len(plots.objective(store.get("bread")).collections) == 1

    def test_is_drawn_the_same_each_time(self, filled, experiment, tmp_path):
        plots.save(plots.objective(experiment, metric="loss"), tmp_path / "object.pdf")
        plots.save(plots.objective(filled.get("bread"), metric="loss"), tmp_path / "stored.pdf")

        assert (tmp_path / "object.pdf").read_bytes() == (tmp_path / "stored.pdf").read_bytes()


@pytest.fixture(scope="module")
def many():
    return many_breads(2_001)


class TestManyPoints:
    """More than 2,000 points are pixels in a PDF or an SVG."""

    @pytest.mark.parametrize("kind", ["objective", "slices", "parallel"])
    def test_are_rasterized(self, many, kind):
        found = plots.PLOTS[kind](many)
        ax = found[0] if isinstance(found, list) else found

        large = [each for each in ax.collections if len(each.get_offsets()) > 2_000 or len(each.get_paths()) > 2_000]
        assert large
        assert all(each.get_rasterized() for each in large)

    def test_make_a_small_file(self, many, tmp_path):
        plots.save(plots.objective(many), tmp_path / "plot.svg", dpi=100)

        assert (tmp_path / "plot.svg").stat().st_size < 300_000

    def test_are_shapes_if_there_are_fewer(self):
        ax = plots.objective(many_breads(40))

        assert not any(each.get_rasterized() for each in ax.collections)


class TestAFigureOfAStoredExperiment:
    @pytest.mark.parametrize("kind", plots.PLOTS)
    def test_is_made_by_the_name_of_the_plot(self, filled, kind):
        metric = None if kind in ("pareto", "statuses", "history") else "loss"

        assert isinstance(plots.figure(kind, filled, "bread", metric=metric), Figure)

    def test_shows_the_version_that_is_asked_for(self, tmp_path):
        with docstore.connect(tmp_path / "lab.db") as store:
            experiment = breads({"loss": 0.5})
            store.save(experiment)
            experiment.new_trial(parameters=experiment.trials[0].arm.parameters).complete({"loss": 0.1})
            store.save(experiment)

            [ax] = plots.figure("objective", store, "bread", version=1).axes

        assert ax.collections[-1].get_offsets().tolist() == [[0.0, 0.5]]

    def test_of_an_unknown_plot_is_refused_with_those_that_there_are(self, filled):
        with pytest.raises(InvalidValueError, match=r"'pie' cannot be used\. Give one of 'objective', 'pareto'"):
            plots.figure("pie", filled, "bread")

    def test_refuses_a_metric_where_the_plot_takes_none(self, filled):
        with pytest.raises(InvalidValueError, match="metric of the plot 'statuses': 'loss'"):
            plots.figure("statuses", filled, "bread", metric="loss")

    def test_is_the_front_of_two_metrics(self, filled):
        figure = plots.figure("pareto", filled, "bread", metric=("taste", "loss"))

        assert figure.axes[0].get_xlabel() == "taste (better →)"

    def test_refuses_a_version_of_the_history(self, filled):
        with pytest.raises(InvalidValueError, match="version of the plot 'history': 1 cannot be used"):
            plots.figure("history", filled, "bread", version=1)


class TestAFile:
    @pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")])
    def test_is_of_the_format_that_its_ending_says(self, experiment, tmp_path, ending, start):
        plots.save(plots.statuses(experiment), tmp_path / f"plot.{ending}")

        assert (tmp_path / f"plot.{ending}").read_bytes().startswith(start)

    def test_of_another_ending_is_refused(self, experiment, tmp_path):
        with pytest.raises(InvalidValueError, match=r"End it in one of \.pdf, \.svg, \.png"):
            plots.save(plots.statuses(experiment), tmp_path / "plot.docx")

    def test_that_cannot_be_written_is_named(self, experiment, tmp_path):
        (tmp_path / "notes").write_text("no folder")

        with pytest.raises(FileAccessError, match=r"notes.plot\.pdf: "):
            plots.save(plots.statuses(experiment), tmp_path / "notes" / "plot.pdf")

    def test_may_be_at_a_url(self, experiment):
        plots.save(plots.statuses(experiment), "memory://plots/statuses.png")

        assert read("memory://plots/statuses.png").startswith(b"\x89PNG")


class TestWithoutMatplotlib:
    def test_a_plot_says_how_it_is_installed(self, experiment, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)

        with pytest.raises(MissingDependencyError, match=r"pip install 'docstore\[plot\]'"):
            plots.statuses(experiment)


class TestWhereToDraw:
    def test_a_notebook_shows_new_axes_as_a_picture(self, experiment):
        png, size = plots.statuses(experiment)._repr_png_()

        assert png.startswith(b"\x89PNG")
        assert size["width"] > size["height"] > 100

    def test_what_is_no_axes_is_refused(self, experiment):
        with pytest.raises(InvalidValueError, match=r"ax: .* plt\.subplots\(\)"):
            plots.statuses(experiment, ax=np.zeros(3))

    def test_a_style_with_a_dark_background_has_visible_marks(self):
        with mpl.rc_context({"axes.facecolor": "black", "axes.labelcolor": "white", "text.color": "white"}):
            ax = plots.objective(breads({"loss": 0.5}, None))

        failed = [each for each in ax.collections if each.get_label().startswith("failed")]
        assert failed[0].get_edgecolor().tolist() == [[1.0, 1.0, 1.0, 1.0]]


class TestAxesOfAFigureWithoutALayout:
    def test_have_the_legend_inside(self, experiment):
        figure = Figure()

        ax = plots.objective(experiment, metric="loss", ax=figure.add_subplot())
        figure.draw_without_rendering()

        assert ax.get_legend().get_window_extent().x1 <= ax.get_window_extent().x1


class TestNarrowAxes:
    @pytest.mark.parametrize("kind", [name for name in DRAWN_ON_AXES if name not in ("importance", "parallel")])
    def test_have_the_legend_inside(self, filled, experiment, kind):
        figure, axes = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")

        ax = drawn(kind, source_of(kind, filled, experiment), ax=axes[0, 0])
        figure.draw_without_rendering()
        plt.close(figure)

        legend, data = ax.get_legend().get_window_extent(), ax.get_window_extent()
        assert data.x0 <= legend.x0 < legend.x1 <= data.x1
        assert data.y0 <= legend.y0 < legend.y1 <= data.y1

    def test_have_no_colour_bar_beside_them(self, experiment):
        figure = Figure()

        plots.parallel(experiment, metric="loss", ax=figure.add_subplot(2, 3, 1))

        assert len(figure.axes) == 1


class TestALazyExperiment:
    def test_is_drawn_whole(self, filled):
        ax = plots.objective(filled.load("bread", lazy=True), metric="loss")

        assert len(ax.collections[-1].get_offsets()) == 24


class TestAnExperimentWithSteps:
    def test_has_the_value_of_its_last_step(self):
        ax = plots.objective(stepped([[3.0, 2.0, 1.0]]))

        assert ax.collections[-1].get_offsets().tolist() == [[0.0, 1.0]]
