"""Count what a reader has to hold: modules, imports, the longest chain of them, lines, entries of each folder.

``python tests/bench/house.py [REVISION ...]`` prints a column for each git revision, and one for the working tree.

Imports are those that run when the module is imported: not in functions, not under ``TYPE_CHECKING``. Lines of code are
neither blank nor comments nor docstrings.
"""

from __future__ import annotations

import ast
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
MANY = 6
"""Parameters of a function, self and cls aside; only what users call may take more."""


def lines_of_code(text: str) -> int:
    """Return the number of lines with code on them; strings that are statements are prose."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for t in tokens if t.type not in BESIDE_CODE for line in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Return how many lines a function has but for its docstring, which may be long where users read it."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


def parameters(function: ast.FunctionDef) -> int:
    """Return how many parameters a function has, self and cls aside."""
    found = function.args
    named = [each.arg for each in (*found.posonlyargs, *found.args, *found.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")]) + bool(found.vararg) + bool(found.kwarg)


def run_on_import(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements that run when the module does."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from run_on_import(other)
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from run_on_import(child)


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: Path) -> dict[str, set[str]]:
    """Return for each module of docstore the modules of docstore that it imports."""
    texts = {module_name(path.relative_to(tree)): path.read_text() for path in (tree / "docstore").rglob("*.py")}
    found = {}
    for module, text in texts.items():
        names = set()
        for statement in run_on_import(ast.parse(text)):
            if isinstance(statement, ast.Import):
                names |= {alias.name for alias in statement.names}
            else:
                below = {f"{statement.module}.{alias.name}": statement.module for alias in statement.names}
                names |= {name if name in texts else source for name, source in below.items()}
        found[module] = names & set(texts) - {module}
    return found


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """Return the longest chain of modules of which each imports the next."""

    @cache
    def below(module: str) -> tuple[str, ...]:
        return (module, *max((below(each) for each in sorted(graph[module])), key=len, default=()))

    return list(max((below(module) for module in sorted(graph)), key=len))


def entries(folder: Path) -> int:
    """Return how many files and folders stand side by side; what Python compiled aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return len({path.relative_to(folder).parts[0] for path in files})


def counted(tree: Path) -> dict[str, str]:
    """Return each figure of a checkout, by what it is."""
    graph = imports(tree)
    each = [len(names) for names in graph.values()]
    importers = Counter(name for names in graph.values() for name in names)
    folders = [path for path in (tree / "docstore").rglob("*") if path.is_dir() and list(path.glob("*.py"))]
    texts = {top: [path.read_text() for path in (tree / top).rglob("*.py")] for top in ("docstore", "tests")}
    defined = [function for text in texts["docstore"] for function in functions(ast.parse(text))]
    figures = {
        "longest import chain": f"{len(longest_chain(graph))}",
        "modules": f"{len(graph)}",
        "imports per module, mean": f"{statistics.mean(each):.1f}",
        "imports per module, most": f"{max(each)}",
        "modules with one importer": f"{sum(count == 1 for count in importers.values())}",
        **{f"lines of code, {top}": f"{sum(map(lines_of_code, texts[top])):,}" for top in texts},
        **{f"lines, {top}": f"{sum(text.count(chr(10)) for text in texts[top]):,}" for top in texts},
        "longest function, lines": f"{max(map(length, defined))}",
        f"functions of more than {MANY} parameters": f"{sum(parameters(each) > MANY for each in defined)}",
        "entries of docstore/": f"{entries(tree / 'docstore')}",
    }
    for folder in sorted(folders):
        figures[f"entries of {folder.relative_to(tree)}/"] = f"{entries(folder)}"
    return figures


def revision(name: str, folder: Path) -> Path:
    """Write the files of a git revision to a folder."""
    archive = subprocess.run(["git", "archive", name, "docstore", "tests"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def main(revisions: list[str]) -> None:
    columns = {}
    for name in revisions:
        with tempfile.TemporaryDirectory() as folder:
            columns[name] = counted(revision(name, Path(folder)))
    columns["now"] = counted(ROOT)
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    widths = {name: max(len(name), *map(len, column.values())) for name, column in columns.items()}
    left = max(map(len, rows))
    for row in ["", *rows]:
        cells = [(column.get(row, "") if row else name).rjust(widths[name]) for name, column in columns.items()]
        print(row.ljust(left), *cells, sep="  ")
    print("\nThe longest chain now:", *longest_chain(imports(ROOT)), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
