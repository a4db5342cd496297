"""A colleague without Ax, at a database with experiments of Ax: all but what makes objects of Ax works."""

from __future__ import annotations

import json

import pytest
from ax_tags import AxTags

import docstore
from docstore import Objective, OptimizationConfig
from docstore.testing.experiments import new_experiment


@pytest.fixture(autouse=True)
def lab(fresh_database, monkeypatch) -> str:
    """The URL of a database with two versions of an experiment of Ax, in DOCSTORE_URL."""
    url: str = fresh_database("sqlite")
    experiment = new_experiment("branin", trials=2, optimization_config=OptimizationConfig(Objective("taste")))
    with docstore.connect(url, bundle=AxTags(), author="ada") as store:
        store.save(experiment)
        experiment.description = "the usual one"
        store.save(experiment, message="described")
    monkeypatch.setenv("DOCSTORE_URL", url)
    return url


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ls -q --model ax", "branin"),
        ("show branin -o json", '"COMPLETED": 2'),
        ("get branin /trials/1/status", "COMPLETED"),
        ("trials branin -o csv", "0,COMPLETED,0_0,"),
        ("best branin", ""),
        ("log branin", "described"),
        ("log branin /description", "described"),
        ("blame branin", "/trials/1"),
        ("diff branin 1", "the usual one"),
        ("plot branin -o branin.svg", ""),
        ("report branin -o branin.html", ""),
        ("verify", ""),
        ("stats", "experiment=1"),
        ("tag branin published 1", ""),
        ("branch branin hartmann", ""),
        ("revert branin 1", ""),
        ("rename branin hartmann", ""),
    ],
)
def test_what_looks_or_keeps_the_contents_needs_no_ax(docstore_cli, line, told):
    ended = docstore_cli(line)

    assert (ended.code, told in ended.out) == (0, True), ended


def test_a_file_that_a_colleague_with_ax_wrote_is_imported(docstore_cli, tmp_path):
    """It is the document alone, as everyone writes it whose program knows the class."""
    (tmp_path / "from-ax.json").write_text(docstore_cli("get branin").out.replace('"branin"', '"hartmann"'))

    assert docstore_cli("import from-ax.json").err == "from-ax.json: 1 new.\n"
    assert docstore_cli("export here.json hartmann").code == 0
    assert json.loads((tmp_path / "here.json").read_text())["name"] == "hartmann"


def test_a_document_is_edited_as_it_stands(docstore_cli, monkeypatch, lab):
    monkeypatch.setenv("EDITOR", """sh -c 'echo "\\"mine\\"" > "$1"' sh""")

    ended = docstore_cli("edit branin /description")

    assert ended.err.splitlines() == [
        "the class 'ax.Experiment' is not known here: what you wrote is not checked by it",
        "'branin' is at version 3 now",
    ]
    with docstore.connect(lab, bundle=AxTags()) as store:
        assert (store.load("branin").description, store.verify(decode=True)) == ("mine", [])


def test_what_cannot_be_decoded_without_ax_is_listed_with_what_to_install(docstore_cli):
    ended = docstore_cli("verify --decode -o jsonl")

    assert ended.code == 1
    assert "needs ax. Install it with: pip install 'docstore[ax]'" in ended.out
