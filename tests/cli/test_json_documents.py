"""The commands that take JSON: save, from a file, and edit, from the user's editor."""

from __future__ import annotations

import gzip
import io
import json
import signal
import stat
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from terminal import docstore_on_terminal

import docstore
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.testing.experiments import new_experiment

pytestmark = pytest.mark.usefixtures("lab")


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture
def typed(monkeypatch):
    """Make a text the standard input."""

    def typed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))

    return typed


def with_description(lab: str, description: str) -> None:
    with docstore.connect(lab, author="bob") as store:
        experiment = store.load("cakes")
        experiment.description = description
        store.save(experiment)


class TestSave:
    @pytest.mark.parametrize("name", ["pies.json", "pies.json.gz"])
    def test_takes_what_docstore_wrote(self, docstore_cli, lab, name):
        save_experiment(new_experiment("pies"), name)

        assert docstore_cli(f"save {name} -m 'old laptop' --author ada") == (0, "", "'pies' is at version 1 now\n")
        with docstore.connect(lab) as store:
            assert docstore.dumps(store.load("pies")) == docstore.dumps(load_experiment(name))
            assert (store.version("pies").author, store.version("pies").message) == ("ada", "old laptop")

    def test_takes_what_get_printed(self, docstore_cli, typed):
        typed(docstore_cli("get cakes -r 2").out)

        assert docstore_cli("save - --based-on published") == (0, "", "'cakes' is at version 3, nothing changed\n")

    def test_takes_any_json_with_a_kind_and_a_name(self, docstore_cli, typed):
        typed('{"hot": true, "sizes": {"__type": "tuple", "items": [1, 2]}, "of": {"__type": "Oven"}}')

        assert docstore_cli("save - 'my/oven 1' -k note") == (0, "", "'my/oven 1' is at version 1 now\n")
        assert docstore_cli("get 'my/oven 1' -k note -o jsonl").out == (
            '{"hot":true,"of":{"__type":"Oven"},"sizes":{"__type":"tuple","items":[1,2]}}\n'
        )

    def test_of_the_same_makes_no_version(self, docstore_cli, typed):
        typed(docstore_cli("get n1 -k note").out)

        assert docstore_cli("save - n1 -k note").err == "'n1' is at version 1, nothing changed\n"

    @pytest.mark.parametrize(
        ("text", "words", "code", "told"),
        [
            ('{"a": 1}', "-", 2, "no document of docstore: it has no __type and __format. Its kind and its name are"),
            ('{"a": 1}', "- n2", 2, "docstore save FILE NAME -k KIND."),
            ('{"a": 1}', "- '' -k note", 2, "name: '' cannot be used."),
            ('{"a": 1, "a": 2}', "- n2 -k note", 3, "the standard input: an object has the key 'a' twice (line 1)"),
            ('{"a": ', "- n2 -k note", 3, "the standard input: not JSON: "),
            ('{"__type": "tuple"}', "- n2 -k note", 3, "'items' should be list"),
            ('{"a": 1}', "- n2 -k experiment", 2, "Its documents are made of objects; 'n2' is another value."),
            ('{"__type": "Oven", "__format": 1}', "-", 2, "not known here. Give its kind: docstore save FILE -k KIND."),
            ("", "missing.json", 3, "missing.json: there is no such file."),
        ],
    )
    def test_refuses_what_is_no_document(self, docstore_cli, typed, unchanged, text, words, code, told):
        typed(text)

        ended = docstore_cli(f"save {words}")

        assert (ended.code, ended.out) == (code, "")
        assert told in ended.err
        assert unchanged()

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("pies", "the name 'cakes'; `docstore rename` gives a stored one another."),
            ("-k note", "has the tag 'Experiment': its kind is 'experiment'."),
        ],
    )
    def test_refuses_another_name_or_kind_than_the_document_has(self, docstore_cli, typed, unchanged, words, told):
        typed(docstore_cli("get cakes").out)

        ended = docstore_cli(f"save - {words}")

        assert ended.code == 2
        assert told in ended.err
        assert unchanged()

    def test_of_nothing_but_a_dry_run_writes_nothing(self, docstore_cli, typed, unchanged):
        typed("1")

        assert (
            docstore_cli("save - n2 -k note -n").err
            == "Dry run, nothing is written; otherwise: 'n2' is at version 1 now\n"
        )
        assert unchanged()

    def test_refuses_bounds_in_the_wrong_order(self, docstore_cli, typed, unchanged):
        typed(docstore_cli("get cakes").out.replace('"lower": 0.0', '"lower": 2.0'))

        ended = docstore_cli("save - --based-on published")

        assert (ended.code, unchanged()) == (2, True)
        assert "upper bound of parameter 'x': 1.0 cannot be used" in ended.err


class TestSaveOfADocumentThatIsStored:
    @pytest.fixture(autouse=True)
    def _edited(self, docstore_cli, lab, tmp_path):
        """A file made from version 3, with a description; others saved a property since."""
        text = docstore_cli("get cakes").out
        (tmp_path / "cakes.json").write_text(text.replace('"is_test"', '"description": "mine",\n  "is_test"'))
        with docstore.connect(lab, author="bob") as store:
            experiment = store.load("cakes")
            experiment.properties["oven"] = 7
            store.save(experiment)

    def test_is_refused_unless_one_says_what_it_was_made_from(self, docstore_cli, unchanged):
        ended = docstore_cli("save cakes.json")

        assert ended.code == 3
        assert (
            "if the file was made from version N of it, --based-on N merges it; with --overwrite, it becomes "
            "the newest version, whatever others saved." in ended.err
        )
        assert unchanged()

    def test_keeps_what_others_saved_since(self, docstore_cli):
        assert docstore_cli("save cakes.json --based-on 3").err == "'cakes' is at version 5 now\n"
        assert docstore_cli("get cakes /properties/oven").out == "7\n"
        assert docstore_cli("get cakes /description --raw").out == "mine\n"

    def test_replaces_it_if_one_says_so_and_tells_what_is_lost(self, docstore_cli):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            ended = docstore_cli("save cakes.json --overwrite")

        assert ended.code == 0
        assert "warning: version 5 of 'cakes', saved with --overwrite, replaces or lacks" in ended.err
        assert "`docstore diff cakes 4 5` shows it all, and `docstore revert cakes 4` brings it back." in ended.err
        assert docstore_cli("get cakes /properties -o jsonl").out == "{}\n"

    def test_lists_what_both_changed(self, docstore_cli, lab, unchanged):
        with_description(lab, "theirs")

        ended = docstore_cli("save cakes.json --based-on 3 -o jsonl")

        assert ended.code == 1
        assert objects(ended.out) == [{"pointer": "/description", "base": None, "mine": "mine", "theirs": "theirs"}]
        assert "Run `docstore get cakes`, which prints what is stored now, and make your change in that." in ended.err
        assert docstore_cli("get cakes /description --raw").out == "theirs\n"


BOOK = """{"__format": 1, "__document": {"name": "title", "parts": ["/pages/*"], "status": "state"}, "__type": "Book",
"title": "rye", "state": "DRAFT", "pages": {"1": {"words": 5}, "2": {"words": 7}}}"""


class TestADocumentWhoseClassIsNotKnown:
    """It is saved as it stands, which is said: no class has checked it."""

    @pytest.fixture
    def stored(self, lab, docstore_cli, typed):
        typed(BOOK)
        assert docstore_cli("save - -k book").code == 0

    def test_is_saved_and_says_itself_what_its_name_is(self, docstore_cli, typed, lab):
        typed(BOOK)

        assert docstore_cli("save - -k book") == (
            0,
            "",
            "the class 'Book' is not known here: what you wrote is not checked by it\n'rye' is at version 1 now\n",
        )
        assert docstore_cli("ls -q -k book --status DRAFT").out == "rye\n"
        with docstore.connect(lab) as store:
            assert (store.get("rye", kind="book", pointer="/pages/2/words"), store.verify()) == (7, [])

    @pytest.mark.usefixtures("stored")
    def test_is_merged_with_what_others_saved(self, docstore_cli, typed):
        typed(BOOK.replace("DRAFT", "DONE"))
        docstore_cli("save - -k book --based-on 1")
        typed(BOOK.replace("5", "50"))
        docstore_cli("save - -k book --based-on 1")

        assert docstore_cli("get rye /pages/1/words -k book").out == "50\n"
        assert docstore_cli("ls -q -k book --status DONE").out == "rye\n"

    @pytest.mark.usefixtures("stored")
    def test_is_edited(self, docstore_cli, editor):
        editor('echo 70 > "$1"')

        ended = docstore_cli("edit rye /pages/2/words -k book")

        assert ended.err.splitlines()[1:] == ["'rye' is at version 2 now"]
        assert docstore_cli("get rye /pages -k book -o jsonl").out == '{"1":{"words":5},"2":{"words":70}}\n'

    @pytest.mark.usefixtures("stored")
    @pytest.mark.parametrize("change", ['s/"Book"/"Novel"/', "s#/pages/#/page/#", 's/"rye"/"wheat"/'])
    def test_stays_what_it_is(self, docstore_cli, editor, change):
        editor(f"""grep -q '^#' "$1" && exit; sed -i '{change}' "$1" """)

        assert docstore_cli("edit rye -k book").code in (2, 3)
        assert docstore_cli("log rye -k book -q").out == "1\n"

    def test_of_ax_is_saved_without_ax(self, docstore_cli, typed):
        text = docstore_cli("get cakes").out.replace('"__type": "', '"__type": "ax.').replace('"cakes"', '"pies"')
        typed(text)

        assert docstore_cli("save -").err.endswith("'pies' is at version 1 now\n")
        assert docstore_cli("ls -q --model ax").out == "pies\n"

        typed(text.replace("RUNNING", "RUNING"))

        assert "RUNING" in docstore_cli("save - --based-on 1").err


class TestCtrlC:
    def test_in_the_middle_of_a_save_leaves_nothing_half_done(self, docstore_cli, typed, unchanged):
        typed('{"a": 1}')

        def interrupt(connection, cursor, statement, *more):
            if statement.startswith("INSERT"):
                signal.raise_signal(signal.SIGINT)

        sa.event.listen(Engine, "after_cursor_execute", interrupt)
        try:
            ended = docstore_cli("save - n2 -k note")
        finally:
            sa.event.remove(Engine, "after_cursor_execute", interrupt)

        assert ended == (130, "", "")
        assert unchanged()


@pytest.fixture
def editor(monkeypatch, tmp_path):
    """Make the editor a shell script, with the file as $1; drafts are made in a folder of their own."""
    (tmp_path / "drafts").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "drafts"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)

    def editor(script: str) -> None:
        path = tmp_path / "my editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EDITOR", f"'{path}'")

    return editor


@pytest.fixture
def drafts(tmp_path):
    """The files that were left of what was edited."""
    return lambda: list((tmp_path / "drafts").iterdir())


class TestEdit:
    def test_saves_what_was_written(self, docstore_cli, editor, drafts):
        editor("""sed -i 's/"rye"/"spelt"/' "$1" """)

        assert docstore_cli("edit n1 -k note -m better --author ada") == (0, "", "'n1' is at version 2 now\n")
        assert docstore_cli("get n1 /text -k note --raw").out == "spelt\n"
        assert objects(docstore_cli("log n1 -k note -o jsonl").out)[0]["message"] == "better"
        assert drafts() == []

    def test_shows_the_value_in_lines(self, docstore_cli, editor, tmp_path):
        editor(f"""cp "$1" '{tmp_path}/shown'""")

        docstore_cli("edit cakes /search_space")

        assert (tmp_path / "shown").read_text() == docstore_cli("get cakes /search_space").out

    @pytest.mark.parametrize("pointer", ["/description", "/properties", "/trials/2/status"])
    def test_of_one_value_leaves_the_others(self, docstore_cli, editor, pointer):
        written = {"/description": '"mine"', "/properties": '{"a": [1]}', "/trials/2/status": '"FAILED"'}[pointer]
        editor(f"""echo '{written}' > "$1" """)

        assert docstore_cli(f"edit cakes {pointer}").err == "'cakes' is at version 4 now\n"
        assert docstore_cli(f"get cakes {pointer} -o jsonl").out == f"{written.replace(' ', '')}\n"
        assert [row["op"] for row in json.loads(docstore_cli("diff cakes --patch").out)].count("remove") == 0

    def test_of_an_item_of_a_list_replaces_it(self, docstore_cli, editor, lab):
        with docstore.connect(lab) as store:
            store.put("note", "list", [1, 2, 3])
        editor('echo 20 > "$1"')

        docstore_cli("edit list /1 -k note")

        assert docstore_cli("get list -k note -o jsonl").out == "[1,20,3]\n"

    @pytest.mark.parametrize("script", ["true", ': > "$1"', 'rm "$1"'])
    def test_of_nothing_makes_no_version(self, docstore_cli, editor, drafts, unchanged, script):
        editor(script)

        assert docstore_cli("edit cakes") == (0, "", "'cakes' is at version 3, nothing changed\n")
        assert (drafts(), unchanged()) == ([], True)

    def test_by_another_spelling_makes_no_version(self, docstore_cli, editor):
        editor("""tr -d '\\n ' < "$1" > copy; cp copy "$1" """)

        assert docstore_cli("edit n1 -k note").err == "'n1' is at version 1, nothing changed\n"

    def test_names_what_is_near_where_nothing_is(self, docstore_cli, editor):
        editor("echo should not run")

        assert docstore_cli("edit cakes /trials/0/statu") == (
            3,
            "",
            "docstore: 'cakes' has nothing at /trials/0/statu. There is /trials/0/status.\n",
        )

    def test_takes_visual_rather_than_editor(self, docstore_cli, editor, monkeypatch):
        editor("exit 7")
        monkeypatch.setenv("VISUAL", "sed -i s/rye/spelt/")

        assert docstore_cli("edit n1 -k note").err == "'n1' is at version 2 now\n"


class TestAnEditThatIsInvalid:
    def test_is_opened_again_with_what_is_wrong(self, docstore_cli, editor, drafts, tmp_path):
        editor(
            f"""cat "$1" >> '{tmp_path}/seen'
            if grep -q '^#' "$1"; then sed -i s/WENT_WELL/FAILED/ "$1"; else echo '"WENT_WELL"' > "$1"; fi"""
        )

        assert docstore_cli("edit cakes /trials/2/status").err == "'cakes' is at version 4 now\n"
        assert docstore_cli("get cakes /trials/2/status --raw").out == "FAILED\n"
        assert (tmp_path / "seen").read_text().splitlines() == [
            '"RUNNING"',
            "# at /trials/2/status: TrialStatus has no member 'WENT_WELL'; it has CANDIDATE, STAGED, FAILED, "
            "COMPLETED, RUNNING, ABANDONED, DISPATCHED, EARLY_STOPPED, STALE",
            "# Correct it and save it; leave it as it is to give up. Lines with # are left out.",
            '"WENT_WELL"',
        ]
        assert drafts() == []

    @pytest.mark.parametrize(
        ("change", "code", "told"),
        [
            ('echo "{" >', 3, "not JSON: "),
            ("printf '\"\\377\"' >", 3, "not JSON: "),
            (
                'sed -i \'s/"name": "cakes"/"name": "pies"/\'',
                2,
                "The document itself has the name 'pies'; `docstore rename`",
            ),
            ("sed -i '/__format/d'", 3, "with __ at its top say what the document is. Leave them as they were."),
            ("sed -i 's/COMPLETED/DONE/'", 3, "TrialStatus has no member 'DONE'"),
        ],
    )
    def test_is_left_in_its_file_if_one_gives_up(
        self, docstore_cli, editor, drafts, unchanged, tmp_path, change, code, told
    ):
        editor(f"""grep -q '^#' "$1" && exit; {change} "$1"; cp "$1" '{tmp_path}/written'""")

        ended = docstore_cli("edit cakes")

        [left] = drafts()
        assert (ended.code, ended.out) == (code, "")
        assert ended.err.startswith(f"What you wrote is in {left}\n")
        assert told in ended.err
        assert left.read_bytes().rstrip().endswith((tmp_path / "written").read_bytes().rstrip())
        assert unchanged()

    @pytest.mark.parametrize(
        ("script", "told"),
        [('echo 1 > "$1"; exit 7', "ended with code 7. Nothing was saved."), ("exit 7", "ended with code 7")],
    )
    def test_by_an_editor_that_fails_is_left_too(self, docstore_cli, editor, drafts, unchanged, script, told):
        editor(script)

        ended = docstore_cli("edit cakes")

        assert ended.code == 3
        assert told in ended.err
        assert len(drafts()) == ("echo" in script)
        assert unchanged()

    def test_says_how_to_name_an_editor(self, docstore_cli, editor, drafts, monkeypatch):
        monkeypatch.setenv("EDITOR", "no-such-editor")

        ended = docstore_cli("edit cakes")

        assert ended.code == 3
        assert "the editor 'no-such-editor' cannot be started" in ended.err
        assert "Set VISUAL or EDITOR to the command of yours.\n" in ended.err
        assert drafts() == []

    def test_has_bounds_in_their_order(self, docstore_cli, editor, unchanged):
        editor("""sed -i 's/"lower": 0.0/"lower": 2.0/' "$1" """)

        ended = docstore_cli("edit cakes /search_space")

        assert (ended.code, ended.out, unchanged()) == (2, "", True)
        assert "upper bound of parameter 'x': 1.0 cannot be used. Give one above the lower bound 2.0" in ended.err

    def test_as_it_was_stored_can_be_edited_elsewhere(self, docstore_cli, editor, lab):
        with docstore.connect(lab) as store:
            content = store.get("cakes")
            content["search_space"]["parameters"][0]["lower"] = 2.0
            store.put_json("experiment", "cakes", json.dumps(content), based_on=3)
        editor("""echo '"mine"' > "$1" """)

        assert docstore_cli("edit cakes /description").err == "'cakes' is at version 5 now\n"


class TestOthersWhoSaveDuringAnEdit:
    """The editor saves, as another person, before it writes the description of the one who edits."""

    @pytest.fixture
    def meanwhile(self, docstore_cli, editor, lab, monkeypatch):
        def meanwhile(change: str) -> None:
            theirs = f"import docstore\nwith docstore.connect({lab!r}) as store:\n    {change}\n"
            Path("theirs.py").write_text(theirs)
            editor('"$PYTHON" theirs.py && sed -i s/rye/mine/ "$1"')
            monkeypatch.setenv("PYTHON", sys.executable)

        return meanwhile

    def test_keep_what_they_saved(self, docstore_cli, meanwhile, drafts):
        meanwhile('store.put("note", "n1", {"text": "rye", "sizes": (1, 2), "theirs": 1})')

        assert docstore_cli("edit n1 -k note").err == "'n1' is at version 3 now\n"
        assert docstore_cli("get n1 -k note -o jsonl").out == (
            '{"sizes":{"__type":"tuple","items":[1,2]},"text":"mine","theirs":1}\n'
        )
        assert drafts() == []

    def test_are_named_where_both_changed_it(self, docstore_cli, meanwhile, drafts):
        meanwhile('store.put("note", "n1", {"text": "theirs", "sizes": (1, 2)})')

        ended = docstore_cli("edit n1 -k note -o jsonl")

        [left] = drafts()
        assert ended.code == 1
        assert objects(ended.out) == [{"pointer": "/text", "base": "rye", "mine": "mine", "theirs": "theirs"}]
        assert f"What you wrote is in {left}\n" in ended.err
        assert json.loads(left.read_text())["text"] == "mine"


class TestAnEditInADryRun:
    def test_is_checked_and_left_in_its_file(self, docstore_cli, editor, drafts, unchanged):
        editor('sed -i s/rye/spelt/ "$1"')

        ended = docstore_cli("edit n1 -k note -n")

        [left] = drafts()
        assert ended == (
            0,
            "",
            f"What you wrote is in {left}\n"
            "Dry run, nothing is written; otherwise: 'n1' is at version 2 now, with changes at /text\n",
        )
        assert unchanged()


class TestAnEditOnATerminal:
    def test_gives_the_terminal_to_the_editor(self, docstore_cli, lab):
        """It reads from it: a person types there."""
        environment = {
            "DOCSTORE_URL": lab,
            "VISUAL": """sh -c 'read word; echo "{\\"text\\": \\"$word\\"}" > "$1"' sh""",
        }

        code, _ = docstore_on_terminal("edit", "n1", "-k", "note", typed="spelt\n", environment=environment)

        assert code == 0
        assert docstore_cli("get n1 -k note -o jsonl").out == '{"text":"spelt"}\n'


def test_a_compressed_file_is_read(docstore_cli, tmp_path):
    (tmp_path / "n2.json.gz").write_bytes(gzip.compress(b"[1]"))

    assert docstore_cli("save n2.json.gz n2 -k note").code == 0
