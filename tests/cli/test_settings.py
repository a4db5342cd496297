"""Which database a command is about, where it is said, and which password is used for it."""

from __future__ import annotations

import warnings

import pytest
import sqlalchemy as sa
from labs import fill

import docstore


def with_note(path, name: str) -> None:
    """Make a SQLite file with a note of that name."""
    with docstore.connect(path) as store:
        store.put("note", name, 1)


class TestTheDatabase:
    @pytest.fixture(autouse=True)
    def _databases(self, tmp_path):
        for name in ("option", "variable", "file"):
            with_note(tmp_path / f"{name}.db", name)

    @pytest.fixture
    def configured(self, tmp_path, monkeypatch):
        """In a folder below that of a pyproject.toml."""
        (tmp_path / "pyproject.toml").write_text('[tool.docstore]\nurl = "sqlite:///file.db"\n')
        (tmp_path / "below" / "further").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "below" / "further")

    def test_is_that_of_the_nearest_pyproject(self, docstore_cli, configured):
        assert docstore_cli("ls -q").out == "file\n"

    def test_is_rather_that_of_the_variable(self, docstore_cli, configured, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCSTORE_URL", f"sqlite:///{tmp_path}/variable.db")

        assert docstore_cli("ls -q").out == "variable\n"

    @pytest.mark.parametrize("line", ["ls -q --url {}", "--url {} ls -q", "--url nowhere.db ls -q --url {}"])
    def test_is_rather_that_of_the_option_before_the_command_or_after_it(
        self, docstore_cli, configured, monkeypatch, tmp_path, line
    ):
        monkeypatch.setenv("DOCSTORE_URL", f"sqlite:///{tmp_path}/variable.db")

        assert docstore_cli(line.format(tmp_path / "option.db")).out == "option\n"

    @pytest.mark.parametrize("written", ["file.db", "./file.db", "sqlite:///file.db", "sqlite+pysqlite:///file.db"])
    def test_of_a_pyproject_is_taken_from_its_folder(self, docstore_cli, configured, tmp_path, written):
        (tmp_path / "pyproject.toml").write_text(f'[tool.docstore]\nurl = "{written}"\n')

        assert docstore_cli("ls -q").out == "file\n"

    def test_is_not_looked_for_in_a_pyproject_that_is_about_something_else(self, docstore_cli, configured, tmp_path):
        (tmp_path / "below" / "pyproject.toml").write_text('[project]\nname = "docstore-user"\n')

        assert docstore_cli("ls -q").out == "file\n"

    def test_has_the_project_of_the_pyproject_too(self, docstore_cli, configured, tmp_path):
        with docstore.connect(tmp_path / "file.db", project="kitchen") as store:
            store.put("note", "in the kitchen", 1)
        with (tmp_path / "pyproject.toml").open("a") as file:
            file.write('project = "kitchen"\n')

        assert docstore_cli("ls -q").out == "in the kitchen\n"
        assert docstore_cli("ls -q --project default").out == "file\n"

    @pytest.mark.parametrize("option", ["--url", "--project"])
    def test_is_none_other_if_the_option_is_empty(self, docstore_cli, lab, option):
        ended = docstore_cli(f"ls {option} ''")

        assert (ended.code, ended.out) == (2, "")
        assert f"'{option}': it is empty." in ended.err


class TestWithoutADatabase:
    def test_it_is_said_how_one_is_given(self, docstore_cli):
        ended = docstore_cli("ls")

        assert (ended.code, ended.out) == (2, "")
        assert "no database is given. Give --url, as in --url sqlite:///lab.db, set DOCSTORE_URL, or " in ended.err

    def test_none_is_made_in_passing(self, docstore_cli, tmp_path):
        ended = docstore_cli("ls --url sqlite:///typo.db")

        assert ended.code == 3
        assert "typo.db: there is no such file. Check the path; `docstore init` makes the file." in ended.err
        assert list(tmp_path.iterdir()) == []

    def test_it_is_said_how_the_tables_are_made(self, docstore_cli, tmp_path):
        (tmp_path / "empty.db").touch()

        ended = docstore_cli("ls --url empty.db")

        assert ended.code == 3
        assert ended.err.endswith(" makes them, or brings them up to date, by `docstore init`.\n")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("[tool.docstore\n", "cannot be read"),
            ("[tool.docstore]\nurl = 7\n", "is not a text. Write it in quotes."),
            ("tool = 'docstore'\n", "tool is not a table. Write [tool.docstore]."),
            ("[tool]\ndocstore = 'lab.db'\n", "tool.docstore is not a table. Write [tool.docstore]."),
        ],
    )
    def test_a_pyproject_that_is_wrong_is_named(self, docstore_cli, tmp_path, text, told):
        (tmp_path / "pyproject.toml").write_text(text)

        ended = docstore_cli("ls")

        assert ended.code == 2
        assert str(tmp_path / "pyproject.toml") in ended.err
        assert told in ended.err

    def test_a_pyproject_that_is_wrong_is_not_read_if_nothing_is_left_to_it(self, docstore_cli, tmp_path):
        (tmp_path / "pyproject.toml").write_text("[tool.docstore\n")
        with_note(tmp_path / "lab.db", "n1")

        refused = docstore_cli("ls -q --url lab.db")

        assert (refused.code, refused.out) == (2, "")
        assert "what makes no objects does without it, by --url and --project." in refused.err
        assert docstore_cli("ls -q --url lab.db --project default") == (0, "n1\n", "")

    def test_a_pyproject_that_is_wrong_ends_a_command_that_needs_the_classes_it_names(self, docstore_cli, tmp_path):
        with_note(tmp_path / "lab.db", "n1")
        (tmp_path / "pyproject.toml").write_text("[tool.docstore\n")

        ended = docstore_cli("rename n1 n2 -k note --url lab.db --project default")

        assert (ended.code, ended.err.count("move it away")) == (2, 1)
        assert docstore_cli("ls -q --url lab.db --project default").out == "n1\n"


class TestAPasswordInTheFileOfTheDatabase:
    def test_of_postgresql_is_used(self, docstore_cli, fresh_database, monkeypatch, tmp_path):
        url = sa.make_url(fresh_database("postgresql"))
        fill(url.render_as_string(hide_password=False))
        (tmp_path / "passwords").write_text(f"*:*:*:*:{url.password or ''}\n")
        (tmp_path / "passwords").chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(tmp_path / "passwords"))

        assert docstore_cli("ls -q -k note --url", str(url._replace(password=None))).out == "n1\n"

    def test_of_mariadb_is_used(self, docstore_cli, fresh_database, tmp_path):
        url = sa.make_url(fresh_database("mariadb"))
        fill(url.render_as_string(hide_password=False))
        (tmp_path / ".my.cnf").write_text(f'[client]\nuser = {url.username}\npassword = "{url.password}"\n')

        assert docstore_cli("ls -q -k note --url", str(url._replace(username=None, password=None))).out == "n1\n"


class TestAnErrorOfTheLibrary:
    @pytest.mark.parametrize(
        ("line", "code", "told"),
        [
            ("ls --status RUNNING", 2, "status: ['RUNNING'] cannot be used."),
            ("ls -k experimnt", 2, "kind: 'experimnt' cannot be used. Known kinds: 'analysis_card', 'experiment'"),
            (
                "show cakes -r 9",
                3,
                "document 'cakes' has no version 9 (it has 1 to 3). `docstore log cakes` lists the versions.",
            ),
            ("get cakes -r 2026-13-01", 2, "'2026-13-01' is not a time. Write one like 2026-11-29 or"),
            ("ls --project", 2, "Option '--project' requires an argument."),
            ("shwo", 2, "there is no command 'shwo'. Did you mean show?"),
            ("delete cakes", 2, "there is no command 'delete'. Did you mean rm?"),
            ("history cakes", 2, "there is no command 'history'. Did you mean log?"),
        ],
    )
    def test_is_one_line_with_the_remedy(self, docstore_cli, lab, line, code, told):
        ended = docstore_cli(line)

        assert (ended.code, ended.out) == (code, "")
        assert told in ended.err
        assert ended.err.startswith("docstore: ")
        assert ended.err.count("\n") == 1

    def test_shows_its_trace_with_debug(self, docstore_cli, lab):
        assert "Traceback (most recent call last)" in docstore_cli("show cake --debug").err

    def test_does_not_drive_the_terminal(self, docstore_cli, lab):
        ended = docstore_cli("show", "\x1b[31mred")

        assert "\x1b" not in ended.err

    def test_that_is_none_of_docstores_is_called_a_bug(self, docstore_cli, lab, monkeypatch):
        monkeypatch.setattr(docstore.Store, "find", lambda *_, **__: 1 / 0)

        ended = docstore_cli("ls")

        assert (ended.code, ended.err) == (
            3,
            "docstore: ZeroDivisionError: division by zero. This is a bug of docstore; --debug shows where.\n",
        )

    def test_a_warning_is_one_line_too(self, docstore_cli, lab, monkeypatch):
        find = docstore.Store.find

        def warn(*given, **options):
            warnings.warn("mind\nthe gap", stacklevel=1)
            return find(*given, **options)

        monkeypatch.setattr(docstore.Store, "find", warn)
        with warnings.catch_warnings():
            warnings.simplefilter("always")

            assert docstore_cli("ls").err == "docstore: warning: mind the gap\n"
