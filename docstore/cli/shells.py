"""What bash, zsh and fish are given: a script that asks for completions, and the answers, so quoted that none is run.

Names of documents may be anyone's, and what completes a word stands in a command line that is run next. Zsh and fish
quote what they insert themselves. Bash inserts it as it is.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any, ClassVar, Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from docstore.cli.settings import Settings

_BASH: Final = r"""
%(complete_func)s() {
    local answer
    COMPREPLY=()
    while IFS= read -r answer; do
        case $answer in
            file,*) compopt -o default ;;
            plain,*) COMPREPLY+=("${answer#plain,}") ;;
        esac
    done < <(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH: Final = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local type value help
    local -a values described
    for type value help in "${(@f)$(%(complete_var)s=zsh_complete \
        "${(Q)words[1]}" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")}"; do
        case $type in
            file) _files ;;
            plain) if [[ $help == _ ]]; then values+=("$value"); else described+=("$value:$help"); fi ;;
        esac
    done
    (( ! $#described )) || _describe -V unsorted described -U
    (( ! $#values )) || compadd -U -V unsorted -a values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH: Final = r"""
function %(complete_func)s
    for answer in (env %(complete_var)s=fish_complete %(prog_name)s (commandline -opc)[2..] (commandline -ct))
        set -l parts (string split -m 1 , -- $answer)
        switch $parts[1]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""

_SPECIAL: Final = {"": re.compile(r"[^\w%+,./-]"), '"': re.compile(r'[$`"\\]'), "'": re.compile("(?!)")}
"""By the quote that is open: the characters that bash takes as they are after a backslash."""

_IMPOSSIBLE: Final = {"": "", '"': "!", "'": "'"}
"""By the quote that is open: the character that cannot be written in it."""


class _WithOption(ShellComplete):
    """What completes ``--option=`` begins with the option, as all of it is one word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        option, equals, _ = incomplete.partition("=")
        items = super().get_completions(args, incomplete)
        if not (equals and option.startswith("-")):
            return items
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in items]


class Bash(_WithOption, BashComplete):
    """Answers with what is to stand in place of what bash takes for the word, in the quotes that are open there.

    Its script sends the whole line: bash cuts words at colons, and hands on nothing of the quotes.
    """

    source_template: ClassVar[str] = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        words = _words(os.environ["COMP_WORDS"])
        return words[1:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        line = os.environ["COMP_WORDS"]
        start, quote = _replaced(line, os.environ["COMP_WORDBREAKS"])
        kept = _words(line[:start])[-1]
        return [
            CompletionItem(_SPECIAL[quote].sub(r"\\\g<0>", item.value.removeprefix(kept)), item.type)
            for item in super().get_completions(args, incomplete)
            if not {*_IMPOSSIBLE[quote]} & {*item.value}
        ]


def _words(line: str) -> list[str]:
    """Return the words of a line; the last one is unfinished, and may be empty."""
    *words, last = split_arg_string(f"{line}x")  # with x, there is a last one after a blank, too
    return [*words, last[:-1]]


def _replaced(line: str, breaks: str) -> tuple[int, str]:
    """Return from where bash replaces a line by what completes it, and which quote is open there, or ""."""
    start, before, quote, escaped = 0, 0, "", False
    for index, each in enumerate(line, 1):
        if escaped:
            escaped = False
        elif each == "\\" and quote != "'":
            escaped = True
        elif quote and each == quote:
            start, quote = before, ""
        elif not quote and each in "\"'":
            before, start, quote = start, index, each
        elif not quote and each in breaks:
            start = index
    return start, quote


class Zsh(_WithOption, ZshComplete):
    """Its script sends words without quotes, and quotes what it inserts."""

    source_template: ClassVar[str] = _ZSH

    def get_completion_args(self) -> tuple[list[str], str]:
        *args, incomplete = sys.argv[1:]
        return args, incomplete


class Fish(_WithOption, FishComplete):
    """Its script sends words without quotes, but for the unfinished one, and quotes what it inserts."""

    source_template: ClassVar[str] = _FISH

    def get_completion_args(self) -> tuple[list[str], str]:
        *args, unfinished = sys.argv[1:]
        return args, _words(unfinished)[-1]


def answer(program: click.Command, settings: Settings, variable: str, instruction: str) -> int:
    """Print what a shell asks for, and return the exit code.

    Args:
        variable, instruction: the environment variable, and its value: ``zsh_source`` for the script, ``zsh_complete``.
    """
    for shell in (Bash, Zsh, Fish):
        add_completion_class(shell)
    return shell_complete(program, {"obj": settings}, program.name or "", variable, instruction)
