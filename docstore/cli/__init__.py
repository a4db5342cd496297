"""The command line ``docstore``, which ``python -m docstore`` is too; extra ``cli``.

A command is a module ``<section>/<command>.py`` with one function, an entry in ``commands.py``, and its tests. It reads
its options, calls the library once, and hands what it got to ``output``::

    @command("log")                       # in place of click.command: adds --url, --project and --debug
    @options.name                         # what several commands have comes from options.py, and is spelled once
    @options.kind
    @options.output(names="the numbers of the versions")     # -o and -q, and gives the function ``output``
    def log(settings: Settings, output: Output, *, name: str, kind: str) -> int | None:
        '''List the versions of a document.

        More about it, in paragraphs.

        Examples:
            docstore log cakes              every version
        '''
        with settings.open() as store:
            output.rows(map(_row, store.history(name, kind=kind)), _COLUMNS, name="version")

Imports
    ``--help`` and the completion of a shell must take less than 100 ms. So nothing at the top of a module of this
    package imports the library, SQLAlchemy or Rich: a function does, when it is called, and annotations are imported
    under ``TYPE_CHECKING``. For the list of commands, none is imported: the table of ``commands.py`` has their lines.

Database
    ``settings.open()`` gives a store that may only read; ``settings.open(writes=True, author=author)`` one that may
    write, but never makes a SQLite file, which is for ``init`` alone (``create=True``). With ``dry_run=dry_run``, it
    does all as ever, and rolls back in place of committing. It is used in a ``with`` block.
    ``settings.engine()`` is for a command that must look at a database whose tables may be missing or old.

Classes
    What looks at documents reads JSON. A command that makes objects of them, to check them, calls
    ``settings.import_classes()`` first; it imports the modules that ``[tool.docstore]`` names.

Options
    ``options.name`` (completed from the database), ``deleted_name``, ``kind``, ``any_kind``, ``revision`` (a number, a
    tag or a time; ``options.version_of`` makes keywords of ``load`` and ``get`` of it, ``diff`` and others take it as
    it is), ``limit``, ``dry_run``, ``yes`` with ``options.confirm``, ``message``, ``author``, ``output``. An argument
    that is not one of these is a ``click.argument`` or ``click.option`` of the command. Types for options:
    ``options.TIME``, ``options.REVISION``, ``options.POINTER``.

Output
    Results are on stdout, and only by ``output``: ``rows`` (dicts, with the order of their columns), ``record`` (one
    thing with its fields), ``value`` (JSON), ``lines`` (texts). It does the formats, the pager, colours (``styled``),
    narrow terminals, and control characters: text of the user's that goes elsewhere passes ``text.printable``. Rows may
    be a generator: print within the ``with`` block then. What was done, in a command that changes something, is said by
    ``exits.say``, on stderr; which version there is now, by ``exits.say_saved``. Around a call that may find conflicts
    stands ``with listed_conflicts(output)`` of ``versions/conflicts.py``, which prints them as rows.

JSON of users
    ``look/pointers.py`` reads it at a pointer, and names what is near if nothing is there. ``change/editor.py`` has it
    edited, ``change/json_documents.py`` checks it by its class.

Exit codes
    The function returns one, or None for 0: ``exits.FINDING`` (1), if it found what one has to look at. Wrong use (2)
    is a ``click.UsageError``, an error (3) a ``click.ClickException`` or what the library raises. Never catch an error
    of the library to print it: ``main.py`` makes one line of it. If its remedy is a call of the library, ``exits.py``
    has a table of the commands that are to be named in its place.

Progress
    ``progress=progress.bar()`` for a call of the store that takes it; ``progress.tracked(items, unit)`` for a loop.

Names
    A command that needs more than a call of the library is a sign that ``Store`` lacks a method.
"""
