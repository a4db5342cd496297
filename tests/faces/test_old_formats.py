"""What each release wrote still loads: every document and every database that is kept in ``tests/formats``.

What its own release wrote is held to the byte. A later one may write the same object in another way, but must read from
the old text what the recipe of the document makes today.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pandas as pd
import pytest
from formats import classes_0_1_0, make, of_store, of_users
from formats.recipes import RECIPES, Recipe

import docstore
from docstore import migrations, model, registry
from docstore.codec.values.optional_types import TAGS
from docstore.codec.values.tags import BY_TAG
from docstore.documents.canonical import TAG, loads
from docstore.errors import ConflictError
from docstore.registry.model_classes import model_registry
from docstore.testing.exact import identity

THIS = docstore.__version__

ANOTHER_TODAY: dict[str, str] = {}
"""Each older document, as ``0.1.0/experiment``, that is read as another object than its recipe makes, and why."""

CALLED_TODAY = {"first Sobol": "bread"}
"""Documents that are stored under another name since: a strategy is named after its experiment."""

LATER = {"0.1.0-nulls": {"analysis_cards_of_an_experiment"}}
"""By the folder of an early form of a release, the documents that came into that release after it."""

HOW = "tests/formats/make.py says how a document is added"


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


# --- what is kept ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Kept:
    """A document as a release wrote it."""

    release: str
    name: str

    @property
    def recipe(self) -> Recipe:
        """How it is made."""
        return RECIPES[self.name]

    @property
    def text(self) -> bytes:
        """Its bytes."""
        return (make.HERE / self.release / f"{self.name}.json").read_bytes()

    @property
    def digest(self) -> str:
        """Its digest, as it was then."""
        return str(recorded(self.release)["documents"][self.name])

    def load(self) -> Any:
        """Return the object, with the classes that the recipe registers."""
        with self.recipe.registered() as bundle:
            return docstore.loads(self.text, bundle)

    def __str__(self) -> str:
        return f"{self.release}/{self.name}"


@cache
def recorded(release: str) -> dict[str, Any]:
    """Return the digests that a release wrote beside its documents."""
    return dict(json.loads((make.HERE / release / "digests.json").read_bytes()))


def ordered(release: str) -> tuple[int, ...]:
    """Return what sorts releases; of one that had several forms, an earlier one has a name after a hyphen."""
    number, _, form = release.partition("-")
    return *map(int, number.split(".")), not form


RELEASES = sorted((path.parent.name for path in make.HERE.glob("*/digests.json")), key=ordered)
EVERY = [Kept(release, path.stem) for release in RELEASES for path in sorted((make.HERE / release).glob("*.json"))]
DOCUMENTS = [kept for kept in EVERY if kept.name != "digests"]


def cases(several: list[Kept]) -> list[Any]:
    """Return *several* as cases; what this pandas cannot say is skipped."""
    is_old = "na_value" not in inspect.signature(pd.StringDtype).parameters
    old_pandas = pytest.mark.skipif(is_old, reason="text in which NaN is missing needs pandas 2.3: upgrade it")
    marked = {"pandas_text_where_nan_is_missing": [old_pandas]}
    return [pytest.param(kept, id=str(kept), marks=marked.get(kept.name, ())) for kept in several]


def is_of_user(kept: Kept) -> bool:
    """Return whether all of the document is of a class that docstore does not know."""
    value = loads(kept.text)
    return isinstance(value, dict) and TAG in value and model_registry().of_tag(str(value[TAG])) is None


OF_THIS_RELEASE = [kept for kept in DOCUMENTS if kept.release == THIS]
UNREAD = [kept for kept in DOCUMENTS if kept.release == THIS or is_of_user(kept)]

# --- documents -------------------------------------------------------------------------------------------------------


class TestADocumentOfAnyRelease:
    @pytest.mark.parametrize("kept", cases([kept for kept in DOCUMENTS if str(kept) not in ANOTHER_TODAY]))
    def test_loads_as_what_is_made_by_its_recipe_today(self, kept):
        with kept.recipe.registered():
            made = kept.recipe.make()

        assert identity(kept.load()) == identity(made)

    @pytest.mark.parametrize("kept", cases(DOCUMENTS))
    def test_once_loaded_is_written_and_comes_back(self, kept):
        loaded = kept.load()

        with kept.recipe.registered() as bundle:
            again = docstore.loads(docstore.dumps(loaded, bundle), bundle)

        assert identity(again) == identity(loaded)

    @pytest.mark.parametrize("kept", cases(DOCUMENTS))
    def test_has_the_digest_that_it_had_then(self, kept):
        assert make.digest_of_text(kept.text) == kept.digest

    @pytest.mark.parametrize("kept", cases(UNREAD))
    def test_is_written_back_to_the_byte_where_the_users_classes_are_unknown(self, kept):
        """What docstore's own classes are may be written in another way by a later release; what is not read, not."""
        unread = docstore.loads(kept.text, unknown="keep")

        assert docstore.dumps(unread) == kept.text


class TestADocumentOfThisRelease:
    @pytest.mark.parametrize("kept", cases(OF_THIS_RELEASE))
    def test_is_made_again_to_the_byte(self, kept):
        with kept.recipe.registered() as bundle:
            assert docstore.dumps(kept.recipe.make(), bundle) == kept.text

    @pytest.mark.parametrize("kept", cases(OF_THIS_RELEASE))
    def test_is_loaded_and_written_again_to_the_byte(self, kept):
        loaded = kept.load()

        with kept.recipe.registered() as bundle:
            assert docstore.dumps(loaded, bundle) == kept.text


@pytest.mark.parametrize("release", RELEASES)
class TestAUsersClassInTwoReleasesOfTheUsers:
    def test_is_lifted_by_the_newer(self, release):
        classes_0_1_0.register()

        lifted = docstore.loads(Kept(release, "user_menu_before").text)

        assert identity(lifted) == identity(of_users.menu_since())

    def test_is_read_and_written_by_the_older_which_loses_nothing_of_the_newer(self, release):
        with registry.scope():
            classes_0_1_0.register_before()
            read = docstore.loads(Kept(release, "user_menu_for_both").text)
            assert type(read) is classes_0_1_0.MenuBefore
            written = docstore.dumps(read)
        classes_0_1_0.register()

        assert identity(docstore.loads(written)) == identity(of_users.menu_for_both())


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=RELEASES)
def release(request):
    """The release that wrote the database."""
    return request.param


@pytest.fixture
def path(release, tmp_path):
    """The file of the database that a release wrote."""
    return database_of(release, tmp_path / "old.db")


def database_of(release: str, path: Path) -> Path:
    """Return *path*, now the database that *release* wrote."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((make.HERE / release / "store.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture
def old(path, connect):
    """The store in it, with the users' classes."""
    classes_0_1_0.register()
    return connect(path, **of_store.OPTIONS)


@pytest.fixture(scope="module")
def of_today(tmp_path_factory) -> Iterator[Path]:
    """The file of a database with the same saves, made by this program."""
    path = tmp_path_factory.mktemp("today") / "today.db"
    with make.filled(path):
        yield path


LIVING = [
    pytest.param(release, saved, id="{0}/{project}/{kind}/{name}/{version}".format(release, **saved))
    for release in RELEASES
    for saved in recorded(release)["versions"]
    if not saved["is_deleted"]
]
"""Each version of a document that is not deleted, in the database of a release."""


def edit_experiment(store: docstore.Store) -> Any:
    bread = store.load("bread")
    bread.new_trial(parameters={"x": 0.0625, "flour": "spelt"})
    bread.description = "gas"
    return bread


def edit_strategy(store: docstore.Store) -> Any:
    name = "bread" if store.exists("bread", kind="generation_strategy") else "first Sobol"
    strategy = store.load(name, kind="generation_strategy")
    strategy._generator_runs.popitem()
    return strategy


def edit_card(store: docstore.Store) -> Any:
    card = store.load("effects", kind="analysis_card")
    card.df = [{"x": 2.5}]
    return card


def edit_recipe(store: docstore.Store) -> Any:
    soup = store.load("pea soup", kind="recipe")
    soup.steps[:] = [soup.steps[2], *soup.steps, classes_0_1_0.Step("sleep")]
    soup.notes.clear()
    return soup


def edit_kitchen(store: docstore.Store) -> Any:
    kitchen = store.load("12", kind="kitchen")
    kitchen.shelves[10**6] = [classes_0_1_0.Size(0.5)]
    return kitchen


def edit_menu(store: docstore.Store) -> Any:
    menu = store.load("monday", kind="menu")
    menu.chosen[classes_0_1_0.Course.CAKE] = classes_0_1_0.Spice(0.5)
    return menu


EDITS = (edit_experiment, edit_strategy, edit_card, edit_recipe, edit_kitchen, edit_menu)


class TestADatabaseOfAnyRelease:
    def test_is_brought_up_to_todays_tables(self, old):
        with old.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM docstore_schema").scalar()

        assert found == migrations.HEAD

    @pytest.mark.parametrize("project", of_store.PROJECTS)
    def test_has_no_damage(self, path, connect, project):
        """Nor does it take any class to know that."""
        assert connect(path, project=project).verify() == []

    @pytest.mark.parametrize(("release", "saved"), LIVING)
    def test_has_the_digest_of_each_version(self, path, connect, saved):
        history = connect(path, project=saved["project"]).history(saved["name"], kind=saved["kind"])

        assert {each.number: each.digest for each in history}[saved["version"]] == saved["digest"]

    @pytest.mark.parametrize(("release", "saved"), LIVING)
    def test_loads_each_version_as_what_the_same_saves_make_today(self, path, of_today, connect, saved):
        classes_0_1_0.register()
        kind, name, version = saved["kind"], saved["name"], saved["version"]

        was = connect(path, project=saved["project"]).load(name, kind=kind, version=version)
        now = connect(of_today, project=saved["project"]).load(CALLED_TODAY.get(name, name), kind=kind, version=version)

        assert identity(was) == identity(now)

    @pytest.mark.parametrize("edit", EDITS)
    def test_takes_a_change_of_each_kind_of_document(self, old, edit):
        changed = edit(old)
        before = list(old.find())

        version = old.save(changed)

        info = next(info for info in old.find() if info not in before)
        assert info.version == version.number
        assert identity(old.load(info.name, kind=info.kind)) == identity(changed)
        assert old.verify() == []

    def test_takes_a_strategy_whose_runs_were_no_parts_as_a_whole_and_not_in_parts(self, tmp_path, connect):
        store = connect(database_of("0.1.0-nulls", tmp_path / "old.db"), **of_store.OPTIONS)
        strategy = store.load("first Sobol", kind="generation_strategy")
        before = identity(strategy)
        strategy.generator_runs[0].gen_time = 0.5

        with pytest.raises(ConflictError, match="save the whole of it first"):
            store.save(strategy, parts=strategy.generator_runs[:1])
        store.save(strategy)
        strategy.generator_runs[0].gen_time = 0.75
        version = store.save(strategy, parts=strategy.generator_runs[:1])

        assert version.places == ("/generator_runs/0/gen_time",)
        assert identity(store.load("first Sobol", kind="generation_strategy")) == identity(strategy)
        assert identity(store.load("first Sobol", kind="generation_strategy", version=4)) == before
        assert store.verify(kind="generation_strategy", decode=True) == []

    def test_takes_another_value_where_one_was_put(self, old):
        name = "flour \u2603"

        version = old.put("note", name, {"protein": (0.125,)})

        assert version.number == 6
        assert old.get(name, kind="note") == {"protein": (0.125,)}
        assert old.verify() == []

    def test_takes_an_older_state_back(self, old, release):
        digests = [each["digest"] for each in recorded(release)["versions"] if each["name"] == "pea soup"]

        version = old.revert("pea soup", 4, kind="recipe")

        assert version.digest == digests[3]
        assert old.verify() == []

    def test_has_the_document_that_was_deleted(self, old, release):
        digests = [each["digest"] for each in recorded(release)["versions"] if each["is_deleted"]]
        old.purge("burnt")  # another of the same name

        old.undelete("burnt")

        assert [each.digest for each in reversed(old.history("burnt"))] == digests

    def test_is_searched_by_the_integers_of_its_types(self, old):
        found = old.find(kind="experiment", type=classes_0_1_0.BakingType.CAKE)
        recipes = old.find(kind="recipe", type=classes_0_1_0.Course.CAKE, status="done")

        assert [each.name for each in (*found, *recipes)] == ["burnt", "pea soup"]

    def test_shows_a_person_its_observations(self, old):
        with old.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT experiment, arm_name, metric_name, mean FROM observations WHERE experiment = 'bread'"
            )

            assert [tuple(row) for row in rows] == [("bread", "0_0", "taste", None)]

    def test_is_copied_to_every_other_database(self, old, store):
        old.copy_to(store)

        assert store.verify() == []
        assert histories(store) == histories(old)


def histories(store: docstore.Store) -> list[Any]:
    """Return every document, with every version."""
    return [(each.kind, each.name, store.history(each.name, kind=each.kind)) for each in store.find()]


class TestADatabaseOfThisRelease:
    def test_is_made_again_by_the_same_saves(self, of_today):
        with closing(sqlite3.connect(of_today)) as connection:
            assert make.versions_in(connection) == recorded(THIS)["versions"]


# --- what keeps the documents complete -------------------------------------------------------------------------------


def values_in(value: Any) -> Iterator[Any]:
    """Yield *value* and every value in it, of JSON."""
    yield value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from values_in(item)


@cache
def tagged_values() -> list[dict[str, Any]]:
    """Return every tagged value, and every object, of every kept document."""
    every = [value for kept in DOCUMENTS for value in values_in(loads(kept.text))]
    return [value for value in every if isinstance(value, dict) and TAG in value]


@cache
def tags() -> set[str]:
    return {value[TAG] for value in tagged_values()}


def objects(value: Any) -> Iterator[Any]:
    """Yield every object of the model in *value*; the way back to an owner is not taken."""
    if type(value) in model.CLASSES:
        yield value
        for name in stored(type(value)):
            yield from objects(getattr(value, name))
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from objects(item)


def stored(cls: type) -> list[str]:
    """Return what is stored of *cls*, from the class itself."""
    return [field.name for field in dataclasses.fields(cls) if field.metadata.get("stored", True)]


@cache
def every_object() -> list[Any]:
    """Return every object of the model in every kept document."""
    return [each for kept in DOCUMENTS if b"__format" in kept.text for each in objects(kept.load())]


def objects_of(cls: type) -> list[Any]:
    return [each for each in every_object() if type(each) is cls]


def defaults_of(cls: type, name: str) -> list[Any]:
    """Return the default of a field, if it has one."""
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    made = [] if field.default_factory is dataclasses.MISSING else [field.default_factory()]
    return made if field.default is dataclasses.MISSING else [field.default]


def bare_enum(annotation: Any) -> type[Enum] | None:
    """Return the enum whose members a field of this annotation holds as bare names."""
    return next((enum for enum in model.ENUMS if annotation in (enum, enum | None)), None)


FIELDS = [pytest.param(cls, name, id=f"{cls.__name__}.{name}") for cls in model.CLASSES for name in stored(cls)]
MEMBERS = [pytest.param(member, id=f"{type(member).__name__}.{member.name}") for enum in model.ENUMS for member in enum]
FIELDS_OF_ENUMS = {
    (cls, name): enum
    for cls in model.CLASSES
    for name, annotation in get_type_hints(cls).items()
    if name in stored(cls) and (enum := bare_enum(annotation))
}
BARE = [case for case in MEMBERS if type(case.values[0]) in FIELDS_OF_ENUMS.values()]


class TestWhoeverAddsSomething:
    @pytest.mark.parametrize("cls", model.CLASSES)
    def test_finds_a_document_of_each_class(self, cls):
        assert cls.__name__ in tags(), f"no kept document has a {cls.__name__}: {HOW}"

    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_finds_a_document_in_which_each_field_has_a_value_of_its_own(self, cls, name):
        found = [identity(getattr(each, name)) for each in objects_of(cls)]

        others = [value for value in found if value not in map(identity, defaults_of(cls, name))]
        assert others, f"in no kept document does {cls.__name__}.{name} have another value than its default: {HOW}"

    @pytest.mark.parametrize("member", MEMBERS)
    def test_finds_a_document_of_each_member_of_an_enum(self, member):
        wanted = (type(member).__name__, member.name)

        found = {(value[TAG], value.get("name")) for value in tagged_values() if isinstance(value.get("name"), str)}
        assert wanted in found, f"no kept document has {member!r} in its properties: {HOW}"

    @pytest.mark.parametrize("member", BARE)
    def test_finds_a_document_of_each_member_in_a_field(self, member):
        places = [place for place, enum in FIELDS_OF_ENUMS.items() if enum is type(member)]

        found = {getattr(each, name) for cls, name in places for each in objects_of(cls)}
        assert member in found, f"no kept document has {member!r} in a field: {HOW}"

    # PyTorch is not installed here: tests/codec/test_torch.py has texts of its values.
    @pytest.mark.parametrize("tag", sorted(tag for tag in {*BY_TAG, *TAGS} if not tag.startswith("torch.")))
    def test_finds_a_document_of_each_tag(self, tag):
        assert tag in tags(), f"no kept document has a value that is tagged {tag!r}: {HOW}"

    def test_finds_the_folder_of_this_release(self):
        assert THIS in RELEASES, f"tests/formats/{THIS} is missing: tests/formats/make.py says how it is made"

    @pytest.mark.parametrize("release", RELEASES)
    def test_finds_in_each_release_what_there_was_to_make(self, release):
        made = {name for name, recipe in RECIPES.items() if ordered(recipe.since) <= ordered(release)}

        assert {kept.name for kept in DOCUMENTS if kept.release == release} == made - LATER.get(release, set()), HOW

    def test_cannot_write_into_a_folder_that_is_there(self, tmp_path):
        with pytest.raises(FileExistsError):
            make.make(tmp_path)

        assert list(tmp_path.iterdir()) == []
