"""Reports: one file with all that matters about an experiment, and what a browser may do with it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re

import pytest
from web_lab import TRICKY, with_goal

import docstore
from docstore import web
from docstore.errors import DocumentNotFoundError
from docstore.testing.experiments import add_trial


def packed(text, id):
    """The bytes that are packed in the element *id* of a report."""
    found = re.search(rf'<script type="text/plain" id="{id}">(.*?)</script>', text)
    return gzip.decompress(base64.b64decode(found[1]))


@pytest.fixture(scope="module")
def cakes(lab):
    return web.report(lab, "cakes").decode()


class TestAReport:
    def test_tells_which_of_its_versions_it_has_read(self, lab):
        told = []

        web.report(lab, "cakes", progress=told.append)

        compared = lab.version("cakes").number - 1
        assert [(each.done, each.total, each.name) for each in told] == [
            (done, compared, "cakes") for done in range(1, compared + 1)
        ]

    def test_begins_with_who_changed_what_last(self, cakes):
        lead = cakes.partition("<main>")[2].partition("</section>")[0]

        assert "trial 3 added; description soft \N{RIGHTWARDS ARROW} softer" in lead
        assert "<b>bob</b>" in lead
        assert "one more" in lead

    def test_shows_all_that_matters_without_a_script(self, cakes):
        without = re.sub(r"<script.*?</script>", "", cakes, flags=re.DOTALL)

        for text in ("maximize taste", "Best so far <b>0.2</b>", "0.0 to 1.0", "rye, spelt", 'class="tag">published'):
            assert text in without, text
        assert without.count("<circle") == 4
        assert "<title>trial 2: 0.2 \N{PLUS-MINUS SIGN} 0.25</title>" in without
        assert re.search(r'<path class="bars" d="M[\d.]+ [\d.]+V', without)

    def test_says_what_each_version_changed(self, cakes):
        assert "description  <del>soft</del> <ins>softer</ins>" in cakes
        assert json.loads(packed(cakes, "steps"))[0][:3] == [
            2,
            1,
            [
                ["", "description", "soft", "softer"],
                ["trial 3", "", None, "COMPLETED, arm 3_0 (x 2.86102294921875e-6, flour rye)"],
                ["trial 3", "taste", None, "0.05 (sem 0.25)"],
            ],
        ]

    def test_has_the_json_as_it_is_stored(self, lab, cakes):
        assert packed(cakes, "document") == lab.get_json("cakes", indent=True)
        assert 'id="document"' not in web.report(lab, "cakes", json=False).decode()

    def test_of_an_older_version_shows_what_was_there_then(self, lab):
        older = web.report(lab, "cakes", version="published").decode()

        assert packed(older, "document") == lab.get_json("cakes", version=1, indent=True)
        assert "<dt>Version</dt><dd>1</dd>" in older
        assert "softer" not in older

    def test_loads_nothing_and_runs_its_own_script_alone(self, cakes):
        policy = html.unescape(re.search(r'Content-Security-Policy" content="(.*?)"', cakes)[1])
        parts = dict(each.strip().split(" ", 1) for each in policy.split(";"))
        inline = {
            key: re.search(rf"<{tag}>(.*?)</{tag}>", cakes, flags=re.DOTALL)[1]
            for key, tag in (("style-src", "style"), ("script-src", "script"))
        }

        assert parts["default-src"] == "'none'"
        for key, text in inline.items():
            assert parts[key] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        assert re.findall(r"\s(?:href|src|action|style|on\w+)=", cakes.replace(inline["script-src"], "")) == []

    def test_shows_a_name_that_looks_like_html_as_text(self, lab):
        text = web.report(lab, TRICKY).decode()

        assert f"<h1>{html.escape(TRICKY).replace('&#x27;', '&#39;')}</h1>" in text
        assert "<script>alert" not in text

    def test_of_no_experiment_names_those_like_it(self, lab):
        with pytest.raises(DocumentNotFoundError, match="'cakes'"):
            web.report(lab, "cake")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A report about 2,100 trials; the best is the last."""
    with docstore.connect(tmp_path_factory.mktemp("report") / "lab.db") as store:
        experiment = with_goal("many", 1_500)
        store.save(experiment)
        for index in range(1_500, 2_100):
            add_trial(experiment, index / 10)
        store.save(experiment)
        return web.report(store, "many", json=False).decode()


class TestAReportOfManyTrials:
    def test_has_the_best_and_the_last_of_them(self, many):
        table = many.partition('<table class="trials">')[2].partition("</table>")[0]
        shown = re.findall(r'<tr><td class="n">([\d,]+)', table)

        assert "500 of 2,100 trials: the best and the last." in many
        assert "2,099" in shown
        assert (len(shown), len(set(shown))) == (500, 500)

    def test_has_some_of_very_many_differences_and_counts_the_others(self, many):
        ((number, since, lines, more),) = json.loads(packed(many, "steps"))

        assert (number, since, len(lines), more) == (2, 1, 500, 700)
        assert "and 1,180 more" in many

    def test_says_that_its_plot_is_thinned(self, many):
        assert re.search(r"1,\d\d\d of 2,100 values are shown: the best, the worst and the last of each stretch", many)
        assert 1_000 < many.count("<circle") <= 2_000


class TestAReportOfAFoldedHistory:
    def test_tells_what_is_kept(self, own):
        experiment = own.load("cakes")
        for _ in range(3):
            add_trial(experiment, 0.5)
            own.save(experiment)
        own.compact("cakes", keep=2)

        text = web.report(own, "cakes").decode()

        steps = json.loads(packed(text, "steps"))
        assert [(number, since) for number, since, *_ in steps] == [(2, 1), (4, 2), (5, 4)]
        assert [line[0] for line in steps[1][2] if not line[1]] == ["trial 4", "trial 5"]
        assert "folded: which places it changed is not kept" in text
