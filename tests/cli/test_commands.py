"""What holds for every command: the table of them, their help, their examples."""

from __future__ import annotations

import shlex

import click
import pytest

from docstore.cli import commands
from docstore.cli.command import Command
from docstore.cli.settings import Settings


def words_of_examples(name: str) -> list[list[str]]:
    """Return the words of each example of a command, without the remark behind two spaces."""
    command = commands.load(name)
    assert isinstance(command, Command)
    lines = [line.partition("  ")[0] for line in command.examples.splitlines()]
    return [shlex.split(line.partition(" > ")[0].partition(" < ")[0].partition(" | ")[0]) for line in lines]


@pytest.mark.parametrize("name", commands.COMMANDS)
class TestEachCommand:
    def test_has_its_name(self, name):
        assert commands.load(name).name == name

    def test_has_the_line_of_the_table_as_the_first_of_its_help(self, name):
        assert commands.load(name).get_short_help_str(limit=200) == commands.COMMANDS[name].help

    def test_shows_examples_of_itself(self, name):
        assert {words[:2] == ["docstore", name] for words in words_of_examples(name)} == {True}

    def test_understands_its_examples(self, name):
        for words in words_of_examples(name):
            commands.load(name).make_context(name, words[2:], obj=Settings()).close()

    def test_says_what_each_option_is_for(self, name):
        options = [each for each in commands.load(name).params if isinstance(each, click.Option)]

        assert [each.opts for each in options if not each.help] == []

    def test_says_where_the_database_is(self, name):
        assert {"url", "project", "debug"} <= {each.name for each in commands.load(name).params}


class TestTheHelpOfTheProgram:
    def test_lists_each_command_with_its_line(self, docstore_cli):
        shown = " ".join(docstore_cli("--help").out.split())

        assert [name for name, entry in commands.COMMANDS.items() if f"{name} {entry.help}" not in shown] == []

    def test_is_shown_on_stderr_for_no_command_at_all(self, docstore_cli):
        ended = docstore_cli("")

        assert (ended.code, ended.out) == (2, "")
        assert "Usage: docstore" in ended.err


class TestTheHelpOfACommand:
    def test_has_its_examples_as_they_are_typed(self, docstore_cli):
        shown = docstore_cli("ls --help").out

        assert "  docstore ls -k experiment --status DRAFT      the experiments that are drafts\n" in shown


def test_the_version_is_that_of_the_program(docstore_cli):
    assert docstore_cli("--version").out == "docstore 0.1.0\n"
