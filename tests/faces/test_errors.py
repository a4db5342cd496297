"""What every error of docstore promises: one root, a pickle that keeps all, and no password in any message."""

from __future__ import annotations

import copy
import inspect
import pickle
import traceback

import pytest
import sqlalchemy as sa
from told import everything_told

import docstore
from docstore import errors
from docstore.documents.canonical import ABSENT
from docstore.errors import Conflict, DocstoreError
from docstore.sqa_store import db
from docstore.sql.dialects import make_engine

SECRET = "hunter2"

PLACES = (Conflict("/a", ABSENT, 1, {"b": [None]}), Conflict("/c", 1, ABSENT, 1.0))


def lost_while_committing():
    error = errors.ConnectionLostError("the server closed the connection.", changes=errors.CHANGES_UNKNOWN)
    assert error.committing
    return error


EXAMPLES = [
    errors.DocstoreError("a message"),
    errors.InvalidValueError("upper bound", -1, "Give one above 0."),
    errors.InvalidTransitionError("trial 3", present="FAILED", wanted="RUNNING", possible=[]),
    errors.InvalidTransitionError("trial 3", present="CANDIDATE", wanted="FAILED", possible=["RUNNING", "STAGED"]),
    errors.CodecError("no way", pointer="/a/b"),
    errors.EncodeError("no way"),
    errors.DecodeError("no way", pointer="/a" * 300),
    errors.UnknownTagError("Taste", pointer="/metrics/0"),
    errors.NewerSchemaError("Taste", found=3, known=2, pointer="/metrics/0"),
    errors.RegistryError("two classes"),
    errors.UnresolvedError("an annotation"),
    errors.MissingDependencyError("PyMySQL", extra="mysql", purpose="this database URL"),
    errors.FileAccessError("a.json", "no space left"),
    errors.MissingFileError("a.json", "there is no such file."),
    errors.FileFormatError("a.json", "it is empty"),
    errors.NewerFormatError("a.json", found=9, known=1),
    errors.PatchError("nothing there", pointer="/a"),
    errors.StoreError("no database"),
    errors.DatabaseError("database is locked"),
    errors.UnreadableError("the database has 5 where docstore writes str"),
    errors.NotAllowedError("permission denied. An administrator can GRANT it."),
    errors.ReadOnlyError("it was opened to be read only.", changes=errors.NOTHING_CHANGED),
    errors.RaceLostError("duplicate entry. Another writer was first."),
    errors.FileReplacedError("/lab.db", "the file was deleted. Put it back.", changes=errors.CHANGES_UNKNOWN),
    errors.ConnectionLostError("the server closed the connection. Is the server running?"),
    lost_while_committing(),
    errors.StoreClosedError("the store on sqlite:///lab.db, project 'default',"),
    errors.TooLargeError("cakes", pointer="/trials/1", size=17_000_000, limit=16_773_120),
    errors.TooLargeError("cakes", pointer="", size=17_000_000, limit=16_773_120),
    errors.TablesError("made by a later docstore"),
    errors.UnknownCodeError("experiment_type", "CAKE", "write it"),
    errors.DocumentNotFoundError("cakes", kind="experiment", near=["cake"]),
    errors.DocumentNotFoundError("cakes", kind="experiment", hint="It was deleted."),
    errors.DocumentExistsError("cakes", kind="experiment", head=3),
    errors.NameChangedError("cakes", "bread", kind="experiment"),
    errors.VersionNotFoundError("cakes", wanted=9, head=3),
    errors.TagExistsError("cakes", "best", version=3, wanted=2),
    errors.ConflictError("cakes", yours=1, head=3, places=PLACES),
    errors.ConflictError("cakes", yours=1, head=3, places=()),
    errors.ObjectBusyError(docstore.Experiment, by_this_thread=True),
    errors.ObjectBusyError(docstore.Experiment, by_this_thread=False),
    errors.OverwriteWarning("cakes", kind="experiment", version=3, places=["/trials/1"]),
    errors.OverwriteWarning("n1", kind="memo", version=3, places=[*"abcdefg"]),
    errors.DivergedError("cakes", kind="experiment", source=3, target=2),
    errors.DamagedDocumentError("cakes", where="/trials/1", problem="its digest is another"),
]

CLASSES = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, Exception)]


def name_of(error):
    return type(error).__name__


class TestEveryError:
    @pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
    def test_has_an_example_here(self, cls):
        assert any(type(example) is cls for example in EXAMPLES)

    @pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
    def test_is_a_docstore_error(self, cls):
        assert issubclass(cls, DocstoreError)

    @pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
    def test_stands_in_the_tree_that_opens_the_module(self, cls):
        assert f"{cls.__name__} " in f"{errors.__doc__} " or f"{cls.__name__}\n" in errors.__doc__

    @pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
    def test_is_at_the_top_level(self, cls):
        assert getattr(docstore, cls.__name__) is cls
        assert cls.__name__ in docstore.__all__

    @pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_keeps_its_class_message_and_attributes_in_a_pickle(self, error, protocol):
        twin = pickle.loads(pickle.dumps(error, protocol))

        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))

    @pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
    def test_keeps_them_in_a_copy(self, error, duplicate):
        twin = duplicate(error)

        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))

    @pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
    def test_keeps_its_notes_in_a_pickle(self, error):
        noted = copy.copy(error)
        noted.add_note("in the file a.json")

        assert pickle.loads(pickle.dumps(noted)).__notes__ == ["in the file a.json"]

    @pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
    def test_has_a_message_on_one_line(self, error):
        assert str(error)
        assert "\n" not in str(error)

    def test_keeps_absent_as_the_one_that_it_is(self):
        error = errors.ConflictError("cakes", yours=1, head=3, places=PLACES)

        assert pickle.loads(pickle.dumps(error)).places[0].base is ABSENT

    @pytest.mark.parametrize(
        ("cls", "builtin"),
        [
            (errors.InvalidValueError, ValueError),
            (errors.MissingDependencyError, ImportError),
            (errors.FileAccessError, OSError),
            (errors.MissingFileError, FileNotFoundError),
            (errors.DocumentNotFoundError, LookupError),
            (errors.VersionNotFoundError, LookupError),
        ],
    )
    def test_is_also_what_python_calls_it(self, cls, builtin):
        assert issubclass(cls, builtin)


class TestAPointer:
    def test_grows_from_the_inside_out(self):
        error = errors.EncodeError("no way")
        for token in ("b/c~d", "1", "a"):
            error.inside(token)

        assert (error.pointer, str(error)) == ("/a/1/b~1c~0d", "at /a/1/b~1c~0d: no way")

    def test_of_hundreds_of_levels_is_shortened_in_the_message_alone(self):
        error = errors.EncodeError("no way", pointer="/next" * 300)

        assert error.pointer == "/next" * 300
        assert len(str(error)) < 250
        assert "300 levels" in str(error)


class TestSeveralErrorsInOne:
    def test_are_of_the_closest_class_that_all_belong_to(self):
        unknown, newer = errors.UnknownTagError("Taste"), errors.NewerSchemaError("Taste", found=2, known=1)

        together = [errors.CodecError.together(each) for each in ([unknown], [unknown] * 2, [unknown, newer])]

        assert [type(each) for each in together] == [errors.UnknownTagError, errors.UnknownTagError, errors.DecodeError]

    def test_keep_the_attributes_of_a_class_that_is_that_of_all(self):
        together = errors.CodecError.together([errors.UnknownTagError(tag) for tag in ("Taste", "Smell")])

        assert (together.tag, len(together.errors)) == ("Taste", 2)

    def test_are_as_many_as_fit_under_a_key_of_a_megabyte(self):
        together = errors.CodecError.together([errors.EncodeError("no way") for _ in range(1000)])

        together.inside("k" * 400_000)

        assert [len(each.pointer) for each in together.errors] == [400_001, 400_001]

    def test_say_each_on_a_line_and_how_many_more(self):
        text = str(errors.CodecError.together([errors.EncodeError("no way", pointer=f"/{n}") for n in range(25)]))

        assert text.splitlines()[0] == "at the root: 25 things are wrong"
        assert text.splitlines()[-1] == "and 5 more"

    def test_say_once_what_is_wrong_in_several_places(self):
        text = str(errors.CodecError.together([errors.EncodeError("no way", pointer=f"/{n}") for n in range(2)]))

        assert text.splitlines()[1:] == ["- at /0: no way", "- at /1: the same as at /0"]


class TestAValueInAMessage:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (2**300, "an integer of 301 bits"),
            ("a" * 200, f"'{'a' * 120}'..."),
            ([[[[1]]]], "[[[...]]]"),
            ({"a": range(3)}, "{'a': range(0, 3)}"),
            (object, "<class 'object'>"),
            (docstore.TrialStatus.FAILED, repr(docstore.TrialStatus.FAILED)),
            (docstore.Metric("m"), "<Metric>"),
        ],
        ids=str,
    )
    def test_is_short_and_on_one_line(self, value, shown):
        assert errors.short_repr(value) == shown


def missing_database(tmp_path):
    """An engine that cannot open its file, and whose URL has a password that SQLite ignores."""
    return sa.create_engine(f"sqlite:///file:{tmp_path}/nowhere/lab.db?uri=true&password={SECRET}")


WITH_A_SECRET = [
    f"postgresql://ada:{SECRET}@host/db",
    f"postgresql://ada:{SECRET}@host:port/db",
    f"postgresql://host/db?user=ada&password={SECRET}",
    f"mysql+nodriver://ada:{SECRET}@host/db",
    f"nothing://ada:{SECRET}@host/db",
    f"nothing://host/db?passwd={SECRET}",
    f"ada:{SECRET}@host/db",
    f"ada:{SECRET}@host@host/db",
    f"://ada:{SECRET}@host/db",
    f"postgresql//ada:{SECRET}@host/db",
    f"postgresql://ada:{SECRET}/more@host:port/db",
]


class TestAPassword:
    """It is in no message, no attribute and no cause."""

    @pytest.mark.parametrize("url", WITH_A_SECRET)
    def test_of_a_url_that_is_refused_is_not_told(self, url):
        with pytest.raises(DocstoreError) as caught:
            docstore.connect(url)

        assert SECRET not in everything_told(caught.value)

    @pytest.mark.parametrize("url", WITH_A_SECRET)
    def test_of_a_url_beside_a_creator_is_not_told(self, url):
        with pytest.raises(DocstoreError) as caught:
            docstore.connect(url, creator=lambda: None)

        assert SECRET not in everything_told(caught.value)

    def test_of_a_url_object_is_not_told(self):
        with pytest.raises(DocstoreError) as caught:
            docstore.connect(sa.make_url(WITH_A_SECRET[0]))

        assert SECRET not in everything_told(caught.value)

    def test_is_not_told_when_the_database_cannot_be_opened(self, tmp_path):
        with pytest.raises(errors.DatabaseError) as caught:
            docstore.connect(missing_database(tmp_path))

        assert SECRET not in everything_told(caught.value)

    def test_is_not_shown_by_a_store(self, tmp_path):
        shown = repr(docstore.Store(missing_database(tmp_path)))

        assert SECRET not in shown
        assert "password=***" in shown

    def test_is_not_told_when_the_database_of_the_process_is_another(self, tmp_path, monkeypatch):
        monkeypatch.setattr(db, "_database", None)
        db.init_engine_and_session_factory(url=f"sqlite:///file:{tmp_path}/lab.db?uri=true&password={SECRET}")

        with pytest.raises(errors.StoreError) as caught:
            db.init_engine_and_session_factory(url=f"sqlite:///{tmp_path}/other.db")

        assert SECRET not in everything_told(caught.value)

    def test_is_not_in_the_traceback_of_a_refused_url(self):
        try:
            make_engine(WITH_A_SECRET[1])
        except DocstoreError as error:
            text = "".join(traceback.format_exception_only(error))

        assert SECRET not in text
