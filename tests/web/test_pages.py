"""What the pages show, in HTML, JSON and CSV."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from counting import statements_of
from starlette.applications import Starlette
from starlette.routing import Mount
from web_lab import PAGES, TRICKY, Client, fill, text_of, with_goal

import docstore
from docstore import web
from docstore.errors import InvalidValueError
from docstore.sql.tables import versions
from docstore.testing.experiments import add_trial, new_experiment, observe
from docstore.web.pages.document import Look, document_page
from docstore.web.pages.objective import MOST_POINTS, Point, objective, thinned
from docstore.web.pages.trials import trials_page
from docstore.web.source import Source

LARGEST = 1_000_000


class TestEveryPage:
    """On every database."""

    def test_is_html_and_json_and_csv(self, store):
        fill(store)
        client = Client(web.app(store))

        for path, query in PAGES.items():
            shown = client.get(path, **query)
            assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
            data = client.get(f"{path}.json" if path != "/" else "/list.json", **query)
            assert isinstance(data.json(), dict), path
            table = client.get(f"{path}.csv" if path != "/" else "/list.csv", **query)
            assert len(list(csv.reader(io.StringIO(table.text)))) > 1, path
        for query in ({"pointer": "/trials"}, {"pointer": "/data/1", "version": 1}, {"version": "published"}):
            assert client.get("/json", name="cakes", **query).status_code == 200, query

    def test_begins_with_the_newest_change(self, client):
        for path in ("/experiment", "/objective", "/trials", "/history", "/diff", "/trial"):
            main = text_of(client.get(path, **PAGES[path])).partition("<main")[2]
            lead = main.partition("</section>")[0]

            assert "<b>bob</b>" in lead, path
            assert "trial 3 added" in lead, path
            assert "one more" in lead, path

    def test_shows_a_name_that_looks_like_html_as_text(self, client):
        for answer in (client.get("/"), client.get("/experiment", name=TRICKY), client.get("/history", name=TRICKY)):
            assert answer.status_code == 200
            assert html.escape(TRICKY) in answer.text
            assert "<script>alert" not in answer.text
            assert "<b>eve" not in answer.text

    def test_leads_to_a_document_whatever_its_name(self, client):
        links = re.findall(r'href="([^"]+)"', client.get("/").text)
        [link] = {each for each in map(html.unescape, links) if each.startswith("/experiment") and "script" in each}

        assert parse_qs(urlsplit(link).query) == {"name": [TRICKY]}
        assert client.get(link).status_code == 200

    def test_leads_below_the_path_where_it_is_mounted(self, lab):
        client = Client(Starlette(routes=[Mount("/lab", web.app(lab))]))

        for path, query in PAGES.items():
            text = client.get(f"/lab{path}", **query).text
            links = re.findall(r'(?:href|src|action|hx-get|data-source)="(/[^"]*)"', text)
            assert links, path
            assert [link for link in links if not link.startswith("/lab/")] == [], path

    @pytest.mark.parametrize("name", [".", "..", "%2F", "+", "a\nb", "  ", "e\u0301", "x" * 255, "a+b&c=d;e#f"])
    def test_is_found_by_any_name(self, own, name):
        own.put("note", name, 1)
        client = Client(web.app(own))

        links = re.findall(r'href="(/history[^"]+)"', client.get("/list", kind="note").text)
        found = [client.get(html.unescape(link).replace("/history", "/history.json")).json()["name"] for link in links]

        assert name in found


class TestAnEmptyStore:
    def test_says_that_nothing_is_stored(self, connect, fresh_database):
        client = Client(web.app(connect(fresh_database("sqlite"))))

        assert "Nothing is stored yet" in client.get("/").text
        assert "There is no document of kind experiment yet." in client.get("/").text
        assert "No document fulfils this." in client.get("/list", prefix="c").text
        assert client.get("/store").status_code == 200
        assert client.get("/changes", seen="").status_code == 204


class TestAStoreWithoutExperiments:
    def test_shows_the_documents_that_it_has(self, connect, fresh_database):
        store = connect(fresh_database("sqlite"))
        store.put("recipe", "rye bread", {"rye": 1})

        page = Client(web.app(store)).get("/list.json").json()

        assert (page["kind"], [row["info"]["name"] for row in page["rows"]]) == ("recipe", ["rye bread"])


class TestTheList:
    def test_has_what_one_looks_for(self, client):
        rows = {row["info"]["name"]: row for row in client.get("/list.json").json()["rows"]}

        cakes = rows["cakes"]
        assert (cakes["best"], cakes["trials"], cakes["info"]["version"]) == (0.2, 4, 2)
        assert cakes["change"]["words"] == ["trial 3 added", "description changed"]
        assert rows["small cakes"]["change"]["origin"] == "branch of version 2 of 'cakes'"

    def test_says_what_there_is_in_place_of_a_best_value(self, own):
        own.save(new_experiment("aimless", trials=1))
        dear = with_goal("dear", 1)
        bound = docstore.OutcomeConstraint("cost <= 1.0")
        dear.optimization_config = docstore.OptimizationConfig(docstore.Objective("taste"), [bound])
        own.save(dear)

        rows = {row["info"]["name"]: row for row in Client(web.app(own)).get("/list.json").json()["rows"]}

        assert [(rows[name]["best"], rows[name]["note"]) for name in ("aimless", "dear", "cakes")] == [
            (None, "no objective"),
            (0.0, "not feasible"),
            (0.2, ""),
        ]

    def test_goes_on_where_a_page_ended(self, own):
        own.save_many([with_goal(f"bun {number:03}") for number in range(60)])
        client = Client(web.app(own))

        first = client.get("/list.json", prefix="bun", sort="name").json()
        second = client.get("/list.json", prefix="bun", sort="name", after=first["cursor"]).json()

        names = [row["info"]["name"] for row in (*first["rows"], *second["rows"])]
        assert names == [f"bun {number:03}" for number in range(60)]
        assert second["cursor"] is None

    def test_counts_no_documents_and_asks_little_again(self, own):
        client = Client(web.app(own))
        client.get("/")

        sent = statements_of(own.engine, client.get, "/")

        assert len(sent) <= 2

    def test_says_which_filters_there_are(self, client):
        answer = client.get("/list", status="BAKED")

        assert answer.status_code == 400
        assert "DRAFT" in answer.text
        assert '<option value="COMPLETED">' in client.get("/").text


class TestAnExperiment:
    def test_has_its_goal_and_its_search_space(self, client):
        page = client.get("/experiment.json", name="cakes").json()

        assert page["goal"] == "maximize taste"
        assert [(each["name"], each["values"]) for each in page["parameters"]] == [
            ("x", "0.0 to 1.0"),
            ("flour", "rye, spelt"),
        ]
        assert (page["trials"], page["tags"], page["note"]["text"]) == (4, {"published": 1}, "softer")

    def test_asks_as_much_for_many_trials_as_for_few(self, own):
        own.save(with_goal("few", 3))
        own.save(with_goal("many", 50))

        def asked(path, name, **query):
            client = Client(web.app(own))
            return len(statements_of(own.engine, lambda: client.get(path, name=name, **query)))

        for path, query in (("/experiment", {}), ("/trials", {}), ("/trial", {"index": 1}), ("/objective", {})):
            assert asked(path, "many", **query) == asked(path, "few", **query) <= 30, path

    def test_asks_at_once_which_versions_changed_the_places_last(self, own):
        """A history has its newest hundred versions anyway; these are older."""
        for number in range(130):
            own.put("note", "n1", {"number": number, **{f"k{each}": each for each in range(min(number, 25))}})
        client = Client(web.app(own))

        asked = statements_of(own.engine, lambda: client.get("/json", name="n1", kind="note"))

        assert len(asked) < 20
        with own.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM versions WHERE version = 9")
        assert "version 9: its row of history is missing" in client.get("/json", name="n1", kind="note").text


class TestTheObjective:
    def test_is_that_of_each_trial_with_the_best_so_far(self, lab):
        page = objective(Source(lab), "cakes")

        assert [(each.trial, each.value, each.best) for each in page.series[0].points] == [
            (0, 0.0, 0.0),
            (1, 0.1, 0.1),
            (2, 0.2, 0.2),
            (3, 0.05, 0.2),
        ]
        assert page.best == lab.best("cakes", 5)

    def test_leaves_out_trials_that_do_not_count(self, own):
        experiment = own.load("cakes")
        experiment.trials[2].mark_abandoned("burnt", unsafe=True)
        own.save(experiment)

        assert [each.trial for each in objective(Source(own), "cakes").series[0].points] == [0, 1, 3]

    def test_leaves_out_abandoned_arms_as_best_does(self, own):
        experiment = with_goal("batch")
        trial = experiment.new_batch_trial()
        for x in (0.1, 0.2):
            trial.add_arm(docstore.Arm({"x": x, "flour": "rye"}))
        good, burnt = (arm.name for arm in trial.arms)
        for arm, mean in ((good, 0.1), (burnt, 0.9)):
            record = {"trial_index": 0, "arm_name": arm, "metric_name": "taste", "mean": mean, "sem": 0.0}
            experiment.attach_data(docstore.Data.from_records([record]))
        trial.mark_arm_abandoned(burnt)
        own.save(experiment)

        page = objective(Source(own), "batch")

        assert [(each.arm, each.best) for each in page.series[0].points] == [(good, 0.1)]
        assert [each.arm_name for each in page.best] == [good]

    def test_of_several_metrics_may_be_infinite(self, own):
        experiment = with_goal("endless", 3)
        sum_of_two = docstore.Objective("taste + crust")
        experiment.optimization_config = docstore.OptimizationConfig(sum_of_two)
        for index, values in enumerate([(1.0, 2.0), (math.inf, 1.0), (math.inf, -math.inf)]):
            for metric, value in zip(("taste", "crust"), values, strict=True):
                observe(experiment, index, value, metric)
        own.save(experiment)

        assert [each.value for each in objective(Source(own), "endless").series[0].points] == [3.0, math.inf]

    def test_of_an_experiment_without_a_goal_says_why(self, client):
        page = client.get("/objective.json", name=TRICKY).json()

        assert "has no objective" in page["problem"]

    def test_of_many_trials_keeps_the_best_of_those_that_fulfil_the_constraints(self):
        points = [Point(i, f"{i}_0", float(i % 100), None, None, is_feasible=i != 4_000) for i in range(9_999)]
        points[4_001] = Point(4_001, "4001_0", -1.0, None, None)
        points[4_000] = Point(4_000, "4000_0", -2.0, None, None, is_feasible=False)

        assert 4_001 in {each.trial for each in thinned(points, minimize=True)}

    def test_of_many_trials_keeps_the_best_the_worst_and_the_last(self):
        values = [float((7919 * i) % 10007) for i in range(9_999)]
        points = [Point(i, f"{i}_0", value, None, None) for i, value in enumerate(values)]

        kept = thinned(points, minimize=True)

        assert len(kept) <= MOST_POINTS
        assert {min(values), max(values), values[-1]} <= {each.value for each in kept}
        assert kept == sorted(kept, key=lambda each: each.trial)


class TestAnObjectiveWithAConstraint:
    """Trials 1 and 2 cost too much, and the cost of trial 3 was not measured; trials 0 and 4 fulfil the constraint."""

    @pytest.fixture
    def dear(self, own):
        experiment = with_goal("dear", 5)
        bound = docstore.OutcomeConstraint("cost <= 1.0")
        experiment.optimization_config = docstore.OptimizationConfig(docstore.Objective("-taste"), [bound])
        for index, cost in {0: 0.5, 1: 2.0, 2: 3.0, 4: 1.0}.items():
            observe(experiment, index, cost, "cost")
        for index, taste in enumerate((0.5, 0.1, 0.2, 0.3, 0.4)):
            observe(experiment, index, taste, "taste")
        own.save(experiment)
        return own

    def test_has_the_best_so_far_of_the_arms_that_fulfil_it_as_best_has(self, dear):
        [series] = objective(Source(dear), "dear").series

        assert [(each.best, each.is_feasible) for each in series.points] == [
            (0.5, True),
            (0.5, False),
            (0.5, False),
            (0.5, False),
            (0.4, True),
        ]
        assert series.points[-1].best == dear.best("dear")[0].value

    def test_has_the_status_quo_where_it_was_measured_in_a_trial_of_others(self, dear):
        experiment = dear.load("dear")
        experiment.status_quo = docstore.Arm({"x": 0.5, "flour": "rye"}, name="today")
        means = {"taste": 0.01, "cost": 0.1}
        records = [{"trial_index": 0, "arm_name": "today", "metric_name": key, "mean": means[key]} for key in means]
        experiment.attach_data(docstore.Data.from_records(records))
        dear.save(experiment)

        page = objective(Source(dear), "dear")

        assert [(each.arm, each.value) for each in page.series[0].points][:2] == [("0_0", 0.5), ("today", 0.01)]
        assert page.series[0].best == page.best[0].value == 0.01

    def test_is_drawn_with_the_other_arms_hollow_and_says_so(self, dear):
        answer = Client(web.app(dear)).get("/objective", name="dear")
        text = web.report(dear, "dear").decode()

        for shown in (answer.text, text):
            assert shown.count('<circle class="infeasible"') == 3
            assert "Best so far <b>0.4</b>" in shown
            assert "the line is the best so far of the others" in shown
        assert text_of(answer).count("not all fulfilled") == 6

    def test_has_no_best_if_none_fulfils_it(self, dear):
        experiment = dear.load("dear")
        bound = docstore.OutcomeConstraint("cost <= 0.1")
        experiment.optimization_config = docstore.OptimizationConfig(docstore.Objective("-taste"), [bound])
        dear.save(experiment)

        answer = Client(web.app(dear)).get("/objective", name="dear")

        assert "No arm is known to fulfil all constraints" in answer.text
        assert 'class="line"' not in answer.text


def bake(store, name, goals, *baked, at_most=None):
    """Save an experiment with these goals, of which each trial measured taste, cost, and crust in this order."""
    experiment = with_goal(name, len(baked))
    objectives = docstore.MultiObjective([docstore.Objective(goal) for goal in goals])
    bounds = [] if at_most is None else [docstore.OutcomeConstraint(f"cost <= {at_most}")]
    experiment.optimization_config = docstore.MultiObjectiveOptimizationConfig(objectives, bounds)
    for index, values in enumerate(baked):
        for metric, value in zip(("taste", "cost", "crust"), values, strict=False):
            observe(experiment, index, value, metric)
    store.save(experiment)
    return Client(web.app(store))


class TestTwoObjectives:
    """Trials 0 and 2 are better than trial 1 in one value or both; trial 3 costs too much."""

    @pytest.fixture
    def client(self, own):
        baked = ((0.5, 2.0), (0.4, 3.0), (0.9, 6.0), (0.95, 9.0))
        return bake(own, "tarts", ["taste", "-cost"], *baked, at_most=8.0)

    def test_have_a_front_of_the_arms_that_no_other_beats(self, client):
        front = client.get("/objective.json", name="tarts").json()["front"]

        places = {key: [each["trial"] for each in front[key]] for key in ("front", "dominated", "infeasible")}
        assert places == {"front": [2, 0], "dominated": [1], "infeasible": [3]}
        assert (front["x"], front["y"], front["on_front"]) == ("maximize taste", "minimize cost", 2)
        assert [each["x"] for each in front["parameters"]] != []

    def test_are_each_shown_by_trial_too(self, client):
        series = client.get("/objective.json", name="tarts").json()["series"]

        assert [(each["goal"], each["points"][-1]["best"]) for each in series] == [
            ("maximize taste", 0.9),
            ("minimize cost", 2.0),
        ]

    def test_are_drawn_with_the_front_marked_and_in_a_table(self, client):
        text = client.get("/objective", name="tarts").text

        marks = re.findall(r'<circle class="(\w+)"', text.partition("Each objective by trial")[0])
        assert sorted(marks) == ["dominated", "front", "front", "infeasible"]
        table = text.partition("Arms on the front")[2].partition("</table>")[0]
        assert re.findall(r"index=(\d)", table) == ["2", "0"]

    def test_are_a_table_of_arms_as_csv(self, client):
        rows = list(csv.DictReader(io.StringIO(client.get("/objective.csv", name="tarts").text)))

        assert [(row["trial"], row["maximize taste"], row["minimize cost"], row["place"]) for row in rows] == [
            ("2", "0.9", "6.0", "front"),
            ("0", "0.5", "2.0", "front"),
            ("1", "0.4", "3.0", "dominated"),
            ("3", "0.95", "9.0", "infeasible"),
        ]

    def test_are_counted_in_the_list(self, client):
        row = next(each for each in client.get("/list.json").json()["rows"] if each["info"]["name"] == "tarts")

        assert (row["best"], row["note"]) == (None, "2 on the front")
        assert '<span class="none">2 on the front</span>' in client.get("/").text

    def test_are_in_a_report(self, own, client):
        text = web.report(own, "tarts").decode()

        assert text.count('<circle class="front"') == 2
        assert "Arms on the front" in text

    def test_are_shown_with_what_is_wrong_with_a_constraint_of_another_program(self, own, client):
        document = json.loads(own.get_json("tarts"))
        del document["optimization_config"]["outcome_constraints"][0]["op"]
        own.put_json("experiment", "tarts", json.dumps(document), based_on=1)

        answer = client.get("/objective", name="tarts")

        assert "it was saved without them" in text_of(answer)
        assert [each["trial"] for each in client.get("/objective.json", name="tarts").json()["front"]["front"]] == [
            3,
            2,
            0,
        ]
        assert "it was saved without them" in web.report(own, "tarts").decode()

    def test_that_were_not_measured_yet_have_no_front(self, own):
        client = bake(own, "rolls", ["taste", "-cost"], (), (0.5,))

        assert client.get("/objective.json", name="rolls").json()["front"]["of"] == 0
        assert "minimize cost: not measured yet" in text_of(client.get("/objective", name="rolls"))


class TestThreeObjectives:
    def test_are_each_shown_by_trial(self, own):
        client = bake(own, "pies", ["taste", "-cost", "crust"], (0.5, 2.0, 1.0), (0.4, 3.0, 4.0))

        page = client.get("/objective.json", name="pies").json()

        assert page["front"] is None
        assert [each["points"][-1]["best"] for each in page["series"]] == [0.5, 2.0, 4.0]
        assert client.get("/objective", name="pies").text.count("<svg") == 3
        assert "3 objectives" in client.get("/").text


class TestTrials:
    def test_have_only_the_columns_that_vary(self, lab):
        page = trials_page(Source(lab), "cakes")

        assert page.columns[:3] == ("trial", "status", "arm")
        assert {"x", "taste"} <= set(page.columns)
        assert "flour" not in page.columns
        assert page.same["flour"] == "rye"

    def test_that_are_not_there_yet_are_said_to_be_none(self, own):
        own.save(with_goal("empty"))

        assert "There is no trial yet." in Client(web.app(own)).get("/trials", name="empty").text

    def test_have_a_column_for_each_parameter_and_metric_whatever_their_names(self, own):
        names = ("status", "parameter status", "taste")
        parameters = [docstore.RangeParameter(name, docstore.ParameterType.INT, 0, 9) for name in names]
        experiment = docstore.Experiment(docstore.SearchSpace(parameters), "pies")
        for index in (0, 1):
            experiment.new_trial(parameters={name: index + 2 * at for at, name in enumerate(names)})
            observe(experiment, index, 0.5 + index)
        own.save(experiment)

        page = trials_page(Source(own), "pies")

        first = dict(zip(page.columns, page.rows[0], strict=True))
        assert (first["parameter status"], first["parameter parameter status"], first["taste"]) == (0, 2, 4)
        assert first["mean of taste"] == 0.5

    def test_are_sorted_by_any_of_them(self, lab):
        page = trials_page(Source(lab), "cakes", sort="-taste")

        assert [row[0] for row in page.rows] == [2, 1, 3, 0]
        with pytest.raises(InvalidValueError, match="The columns are trial, status, arm"):
            trials_page(Source(lab), "cakes", sort="crust")

    def test_come_in_pages(self, own):
        own.save(with_goal("many", 203))
        client = Client(web.app(own))

        page = client.get("/trials.json", name="many", start=200).json()

        assert [row[0] for row in page["rows"]] == [200, 201, 202]
        assert page["total"] == 203

    def test_are_each_a_page_with_who_changed_them(self, client):
        page = client.get("/trial.json", name="cakes", index=3).json()

        assert page["arms"][0]["means"] == {"taste": 0.05}
        assert [(each["number"], each["author"]) for each in page["changes"]] == [(2, "bob")]
        assert client.get("/trial", name="cakes", index=4).status_code == 404

    def test_lead_to_the_trials_beside_them_that_there_are(self, store):
        experiment = with_goal("gaps", 5)
        del experiment.trials[2]
        store.save(experiment)
        del experiment.trials[1]
        store.save(experiment)

        def beside(index, **query):
            page = Client(web.app(store)).get("/trial.json", name="gaps", index=index, **query).json()
            return page["earlier"], page["later"]

        assert [beside(index) for index in (0, 3, 4)] == [(None, 3), (0, 4), (3, None)]
        assert [beside(index, version=1) for index in (0, 1, 3)] == [(None, 1), (0, 3), (1, 4)]


class TestATagThatLooksLikeANumber:
    def test_leads_to_the_version_that_it_names(self, own):
        own.tag("cakes", "1", 2)
        client = Client(web.app(own))

        for path in ("/experiment", "/history"):
            assert re.findall(r'class="tag" href="[^"]*version=(\w+)">1<', client.get(path, name="cakes").text) == ["2"]


class TestATagThatMovesWhileAPageIsMade:
    def test_names_one_of_the_versions_that_the_page_knows(self, own, connect):
        own.tag("cakes", "best")
        other = connect(own.engine.url.render_as_string(hide_password=False))
        experiment = other.load("cakes")

        def move(connection, cursor, statement, *rest):
            if statement.startswith("BEGIN"):
                add_trial(experiment, 0.5)
                other.tag("cakes", "best", other.save(experiment).number, move=True)

        sa.event.listen(own.engine, "before_cursor_execute", move)
        client = Client(web.app(own))
        place = client.get("/json.json", name="cakes", version="best").json()
        trials = client.get("/trials.json", name="cakes", version="best").json()

        assert place["version"]["number"] < place["head"]
        assert trials["version"] < trials["head"]


class TestHistory:
    def test_has_versions_tags_and_branches(self, client):
        versions = client.get("/history.json", name="cakes").json()["versions"]

        assert [(each["number"], each["author"], each["tags"]) for each in versions] == [
            (2, "bob", []),
            (1, "ada", ["published"]),
        ]

    def test_comes_in_pages(self, own):
        for number in range(105):
            own.put("note", "count", number)
        client = Client(web.app(own))

        first = client.get("/history.json", name="count", kind="note").json()
        second = client.get("/history.json", name="count", kind="note", before=first["before"]).json()

        numbers = [each["number"] for each in (*first["versions"], *second["versions"])]
        assert numbers == list(range(105, 0, -1))
        assert second["before"] is None

    def test_names_the_documents_that_branched_from_it_if_asked(self, client, lab):
        assert client.get("/history.json", name="cakes").json()["branches"] is None
        assert client.get("/history.json", name="cakes", branches="yes").json()["branches"] == {"small cakes": 2}
        text = text_of(client.get("/history", name="cakes", branches="yes"))
        assert '<a href="/experiment?name=small%20cakes">small cakes</a> from version 2' in text


class TestADifference:
    def test_is_that_of_the_store_in_words(self, client, lab):
        page = client.get("/diff.json", name="cakes", a="published", b="2").json()

        lines = [(each["subject"], each["what"], each["was"], each["now"]) for each in page["lines"]]
        assert lines == [(each.subject, each.what, each.was, each.now) for each in lab.diff("cakes", 1, 2).lines]

    def test_of_two_documents_has_both_names(self, client):
        answer = client.get("/diff", name="cakes", other="small cakes", a=1)

        assert "small cakes, version 3" in text_of(answer)
        assert "softer" in answer.text


class TestJson:
    def test_has_beside_each_place_the_version_that_blame_names(self, own):
        note = {"a": 1, "b": {"c": 2, "d": [1, 2]}, "e": None}
        for key, value in (("a", 5), ("e", True), ("a", 6), ("b", {"c": 2, "d": [1, 3]})):
            own.put("note", "n", note)
            note = {**note, key: value}
        own.put("note", "n", note)

        for pointer in ("", "/b", "/b/d"):
            page = document_page(Source(own), Look("n", "note", pointer))
            found = {each.pointer: each.by.number for each in page.places}
            assert found == {each: own.blame("n", each, kind="note")[0].number for each in found}

    def test_is_that_of_a_chosen_version(self, client):
        page = client.get("/json.json", name="cakes", version="published").json()

        description = next(each for each in page["places"] if each["key"] == "description")
        assert (description["text"], description["by"]["number"]) == ("soft", 1)

    def test_of_a_part_is_read_alone(self, client):
        page = client.get("/json.json", name="cakes", pointer="/trials/3").json()

        status = next(each for each in page["places"] if each["key"] == "status")
        assert (status["text"], status["by"]["number"]) == ("COMPLETED", 2)

    def test_of_all_parts_has_the_version_that_changed_each(self, client, lab):
        for pointer in ("/trials", "/data"):
            page = client.get("/json.json", name="cakes", pointer=pointer).json()

            found = {each["pointer"]: each["by"]["number"] for each in page["places"]}
            assert found == {f"{pointer}/{index}": 2 if index == 3 else 1 for index in range(4)}


class TestWhatIsWrong:
    def test_a_name_that_does_not_exist_is_answered_with_those_that_are_near(self, client):
        answer = client.get("/experiment", name="cake")

        assert answer.status_code == 404
        assert 'href="/experiment?name=cakes"' in answer.text
        assert client.get("/experiment.json", name="cake").json()["instead"] == [["experiment", "cakes"]]

    def test_a_name_that_documents_of_another_kind_have_leads_to_them(self, client):
        answer = client.get("/experiment", name="shopping")

        assert answer.status_code == 404
        assert 'href="/json?name=shopping&amp;kind=note"' in answer.text

    def test_a_version_that_does_not_exist_leads_to_the_document_as_it_is(self, client):
        assert 'href="/experiment?name=cakes"' in client.get("/trials", name="cakes", version=7).text

    def test_a_part_of_a_page_is_answered_with_a_sentence(self, client):
        answer = client.get("/objective", {"HX-Request": "true"}, name="cake")

        assert answer.status_code == 404
        assert "<html" not in answer.text
        assert "there is no experiment named" in answer.text

    def test_a_version_or_a_page_that_does_not_exist_is_not_found(self, client):
        assert client.get("/diff", name="cakes", a=1, b=7).status_code == 404
        assert client.get("/json", name="cakes", version="printed").status_code == 404
        assert client.get("/cakes").status_code == 404

    def test_an_address_that_makes_no_sense_says_what_it_needs(self, client):
        answer = client.get("/trials", name="cakes", start="many")

        assert answer.status_code == 400
        assert "Give a number" in answer.text

    def test_a_damaged_document_is_shown_with_what_verify_says(self, own):
        with own.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE documents SET body = replace(body, 'COMPLETED', 'FAILED') WHERE path = '/trials/1'")
            )
        client = Client(web.app(own))

        answer = client.get("/trials", name="cakes")

        assert answer.status_code == 500
        [damage] = own.verify("cakes")
        assert str(damage) in html.unescape(answer.text)
        assert client.get("/").status_code == 200

    def test_a_database_that_is_gone_is_said_to_be(self, own):
        client = Client(web.app(own))
        own.close()

        answer = client.get("/history.json", name="cakes")

        assert answer.status_code == 503
        assert "is closed" in answer.json()["message"]


class TestAnswers:
    """What a browser may keep, and for how long."""

    def fixed_link(self, client, path, **query):
        found = re.search(r'href="(/[^"]*seal=[^"]*)"', client.get(path, **query).text)
        return html.unescape(found[1])

    def test_of_a_version_never_change(self, own):
        client = Client(web.app(own))
        for path, query in (("/diff", {"name": "cakes"}), ("/json", {"name": "cakes", "version": 1})):
            link = self.fixed_link(client, path, **query)
            before = client.get(link)

            experiment = own.load("cakes")
            add_trial(experiment, 0.3)
            own.save(experiment)

            after = Client(web.app(own)).get(link)
            assert "immutable" in after.headers["cache-control"], path
            assert (after.headers["etag"], after.text) == (before.headers["etag"], before.text), path

    def test_of_a_version_are_not_those_of_another_document_with_its_name(self, own):
        client = Client(web.app(own))
        link = self.fixed_link(client, "/json", name="cakes", version=1)
        own.purge("cakes")
        own.save(with_goal("cakes", 1))

        assert client.get(link).status_code == 404

    def test_that_are_still_true_are_not_sent_again(self, own):
        client = Client(web.app(own))
        tag = client.get("/history", name="cakes").headers["etag"]

        assert client.get("/history", {"If-None-Match": tag}, name="cakes").status_code == 304
        own.tag("cakes", "printed")
        assert client.get("/history", {"If-None-Match": tag}, name="cakes").status_code == 200

    def test_about_versions_that_were_folded_meanwhile_are_new(self, own):
        experiment = own.load("cakes")
        for value in (0.4, 0.5):
            add_trial(experiment, value)
            own.save(experiment)
        client = Client(web.app(own))
        paths = {"/history": {}, "/experiment": {}, "/trial": {"index": 4}, "/diff": {"a": 1, "b": 3}}
        paths["/json"] = {"pointer": "/trials"}
        tags = {path: client.get(path, name="cakes", **query).headers["etag"] for path, query in paths.items()}

        own.compact("cakes", keep=1)

        for path, query in paths.items():
            answer = client.get(path, {"If-None-Match": tags[path]}, name="cakes", **query)
            assert answer.status_code == 200, path
        assert "folded" in client.get("/history", name="cakes").text

    def test_about_a_place_that_a_folded_version_changed_have_no_link_to_what_it_changed(self, own):
        experiment = own.load("cakes")
        experiment.properties["oven"] = 3
        own.save(experiment)
        experiment.description = "softest"
        own.save(experiment)
        client = Client(web.app(own))
        links = [
            client.get("/json", name="cakes", pointer="/properties").text.count("/diff?name=cakes&amp;a=2&amp;b=3")
        ]

        own.compact("cakes", keep=1)

        page = client.get("/json", name="cakes", pointer="/properties")
        assert [*links, page.text.count("/diff?name=cakes&amp;a=2&amp;b=3")] == [1, 0]
        [place] = client.get("/json.json", name="cakes", pointer="/properties").json()["places"]
        assert (place["by"]["number"], place["by"]["places"]) == (3, None)

    def test_about_a_branch_have_the_name_that_its_origin_has_now(self, own):
        client = Client(web.app(own))
        paths = ("/history", "/trials", "/objective", "/diff", "/json")
        tags = {path: client.get(path, name="small cakes").headers["etag"] for path in paths}

        own.rename("cakes", "tarts")

        for path in paths:
            answer = client.get(path, {"If-None-Match": tags[path]}, name="small cakes")
            assert "branch of version 2 of &#39;tarts&#39;" in answer.text, path

    def test_are_small_however_much_there_is(self, own):
        own.save(with_goal("many", 1_000))
        own.put("note", "long", {f"key {number}": "x" * 1_000 for number in range(3_000)})
        client = Client(web.app(own))

        for path, query in (("/objective", {}), ("/trials", {}), ("/diff", {"a": 1, "b": 1}), ("/history", {})):
            assert len(client.get(path, name="many", **query).content) < LARGEST, path
        assert len(client.get("/json", name="long", kind="note").content) < LARGEST

    def test_have_no_number_that_json_lacks(self, own):
        own.put("note", "odd", {"nan": float("nan"), "inf": float("inf"), "big": 10**30})
        experiment = with_goal("odd", 1)
        add_trial(experiment, float("inf"))
        own.save(experiment)
        client = Client(web.app(own))

        def refuse(text):
            raise AssertionError(text)

        for path, query in (("/json.json", {"kind": "note"}), ("/objective.json", {}), ("/trials.json", {})):
            json.loads(client.get(path, name="odd", **query).text, parse_constant=refuse)


class TestAnExperimentAsItWas:
    """Version 1 of cakes has three trials, and another description."""

    def test_is_shown_with_its_trials_and_its_text(self, client):
        page = client.get("/experiment.json", name="cakes", version=1).json()
        trials = client.get("/trials.json", name="cakes", version="published").json()

        assert (page["info"]["version"], page["head"], page["trials"]) == (1, 2, 3)
        assert page["note"]["text"] == "soft"
        assert [row[0] for row in trials["rows"]] == [0, 1, 2]
        assert client.get("/objective.json", name="cakes", version=1).json()["series"][0]["of"] == 3

    def test_says_so_and_leads_on_to_pages_of_that_version(self, client):
        text = text_of(client.get("/experiment", name="cakes", version=1))

        assert "As it was at version 1 of 2." in text
        assert 'href="/trials?name=cakes&amp;version=1"' in text
        assert "trial?name=cakes&amp;index=0&amp;version=1" in text_of(client.get("/trials", name="cakes", version=1))
        assert "As it was" not in text_of(client.get("/experiment", name="cakes", version=2))

    def test_has_the_changes_of_a_trial_until_then(self, own):
        experiment = own.load("cakes")
        experiment.trials[0].run_metadata["oven"] = 3
        own.save(experiment)
        client = Client(web.app(own))

        now, then = (client.get("/trial.json", name="cakes", index=0, **at).json() for at in ({}, {"version": 2}))

        assert [each["number"] for each in now["changes"]] == [3, 1]
        assert [each["number"] for each in then["changes"]] == [1]
        assert "run_metadata" not in then["facts"]
        assert then["later"] == 1

    def test_has_no_trial_that_was_added_later(self, client):
        assert client.get("/trial", name="cakes", index=3, version=1).status_code == 404

    def test_is_not_there_for_a_version_that_is_none(self, client):
        for path in ("/experiment", "/trials", "/objective"):
            assert client.get(path, name="cakes", version=9).status_code == 404, path


class TestATrialThatMeasuredNaN:
    def test_has_an_observation_without_a_mean(self, own):
        experiment = with_goal("burnt")
        add_trial(experiment, float("nan"))
        own.save(experiment)

        answer = Client(web.app(own)).get("/trial.json", name="burnt", index=0)

        assert [(each["mean"], each["sem"]) for each in answer.json()["records"]] == [(None, 0.25)]


class TestATrialWithAVeryLongText:
    def test_is_cut_in_the_table_and_whole_as_data(self, own):
        flours = ["x" * 10_000, "rye"]
        space = docstore.SearchSpace([docstore.ChoiceParameter("flour", docstore.ParameterType.STRING, flours)])
        experiment = docstore.Experiment(space, "long")
        for flour in flours:
            experiment.new_trial(parameters={"flour": flour})
        own.save(experiment)
        client = Client(web.app(own))

        assert f"<td>{'x' * 300}…" in client.get("/trials", name="long").text
        assert "x" * 10_000 in client.get("/trials.csv", name="long").text


class TestTheListOfManyDocuments:
    def test_asks_no_more_questions_the_more_there_are(self, own):
        def asked():
            return len(statements_of(own.engine, lambda: Client(web.app(own)).get("/list", kind="note")))

        before = asked()
        for number in range(5):
            own.put("note", f"n{number}", number)

        assert asked() <= before

    def test_says_of_a_version_that_sql_changed_that_it_cannot_be_read(self, own):
        own.put("note", "fine", 1)
        with own.engine.begin() as connection:
            changed = versions.update().where(versions.c.author == "ada", versions.c.message == "")
            connection.execute(changed.values(author="mallory"))

        text = text_of(Client(web.app(own)).get("/list", kind="note"))

        assert "cannot be read: open it to see why" in text
        assert "mallory" not in text


class TestThePlotAsSvg:
    def test_has_what_the_plot_by_script_has(self, client):
        text = client.get("/objective", name="cakes").text

        assert text.count("<circle") == 4
        assert "Best so far 0.2 after 4 values. Bars are one standard error." in text
        assert "style=" not in text
