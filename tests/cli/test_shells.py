"""Completion in the shells themselves: what stands in the command line after Tab, as the shell then takes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from terminal import shown_on_terminal
from tools import program

import docstore

NAMES = {
    "everything": """a b'c"d$HOME`touch ran`$(touch ran);touch ran;|e*f?{g,h}<i>~!j\\k#l=m:n,o[p](q)é日""",
    "tilde": "~root",
    "equals": "=ls",
    "comment": "#1",
    "history": "!!",
    "code": "$HOME`touch ran`",
    "comma": "x,y,",
    "words": "two words",
    "colons": "lab:cakes:1",
    "option": "-y",
    "control": "\x1b[31mred\nline",
}
"""By kind: the name of its one document."""


class Line(NamedTuple):
    """What is typed after ``docstore`` and before Tab, and the last word of the command line after it."""

    typed: str
    word: str


COMPLETED = [
    *(Line(f"show -k {kind} ", name) for kind, name in NAMES.items() if kind not in ("option", "control")),
    Line("und", "undelete"),
    Line("ls --wh", "--where"),
    Line("ls -k tild", "tilde"),
    Line("ls --kind=tild", "--kind=tilde"),
    Line("save not", "notes of $1.json"),
    Line("show -k words two\\ w", "two words"),
    Line("show -k words 'two w", "two words"),
    Line('show -k words "two w', "two words"),
    Line("show -k words 'two'", "two words"),
    Line("show -k colons lab:ca", "lab:cakes:1"),
    Line("show -k code '", NAMES["code"]),
    Line('show -k code "', NAMES["code"]),
]

NOT_COMPLETED = [Line("show -k option ", "option"), Line("show -k control ", "control")]
"""Those names would be an option, or drive the terminal."""

SHELLS = {
    "bash": ("--norc --noprofile -i", 'eval "$(_DOCSTORE_COMPLETE=bash_source docstore)"'),
    "zsh": ("-f -i", 'autoload -U compinit; compinit -D -u; eval "$(_DOCSTORE_COMPLETE=zsh_source docstore)"'),
}
"""The options of a shell without any configuration, and how it learns to complete."""

FISH = "_DOCSTORE_COMPLETE=fish_source docstore | source"
IN_FISH = str.maketrans({"\\": "\\\\", "'": "\\'"})


@pytest.fixture(scope="module")
def environment(backends, tmp_path_factory) -> Mapping[str, str]:
    """A home with a file and a database in it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "notes of $1.json").touch()
    with backends.fresh("sqlite", folder / "lab.db") as url:
        with docstore.connect(url) as store:
            for kind, name in NAMES.items():
                store.put(kind, name, 1)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield {"HOME": str(folder), "DOCSTORE_URL": url, "PATH": path, "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("shell", SHELLS)
def test_words_are_completed_and_quoted_and_nothing_is_run(shell, environment):
    """Each line is completed on a terminal, and then made, by Ctrl-A and Ctrl-E, one that prints its words."""
    options, script = SHELLS[shell]
    lines = [*COMPLETED, *NOT_COMPLETED]
    typed = [f"docstore {line.typed}\t\x01printf '%s\\0' \x05 >>{shell}; echo >>{shell}" for line in lines]

    code, shown = shown_on_terminal(
        "os.chdir(os.environ['HOME']); os.execv(sys.argv[1], sys.argv[1:])",
        program(shell),
        *options.split(),
        typed="\n".join([script, *typed, "exit\n"]),
        columns=300,
        environment=environment,
    )

    assert code == 0, shown
    home = Path(environment["HOME"])
    found = [line.split("\0")[-1] for line in (home / shell).read_text().split("\0\n")[:-1]]
    assert dict(zip(lines, found, strict=True)) == {line: line.word for line in lines}
    assert not (home / "ran").exists()


def test_fish_is_given_the_words_and_runs_nothing(environment):
    """It has a command that says what completes a line. What it inserts, it quotes itself."""
    lines = [*COMPLETED, *NOT_COMPLETED]
    asked = [f"complete -C 'docstore {line.typed.translate(IN_FISH)}'; echo =====" for line in lines]

    answers = subprocess.run(
        [program("fish"), "--no-config", "-c", "\n".join([FISH, *asked])],
        cwd=environment["HOME"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("=====\n")[:-1]

    words = [[word.partition("\t")[0] for word in answer.splitlines()] for answer in answers]
    assert dict(zip(lines, words, strict=True)) == {
        **{line: [line.word] for line in COMPLETED},
        **{line: [] for line in NOT_COMPLETED},
    }
    assert not (Path(environment["HOME"]) / "ran").exists()
