"""What a store finds: documents and parts by what they are and by what stands in them."""

from __future__ import annotations

from typing import Any, Unpack, overload

from docstore.codec import UnknownObject
from docstore.codec.core import Unknown
from docstore.documents.kinds import HEAD, KINDS, Kind, is_document, join, kind_named
from docstore.search import indexes
from docstore.search.indexes import PlaceIndex
from docstore.search.info import DocumentInfo, PartInfo
from docstore.search.query import FIELDS, Criteria, SearchContext, checked_query, unknown_fields
from docstore.search.read import StoredDocument
from docstore.search.results import Found, Loader
from docstore.sql.reader import State
from docstore.sql.rows import HeadRow
from docstore.store.past_base import Past
from docstore.store.tracking import LoadedState


class Search(Past):
    """Finds documents of a store, by SQL: nothing is read but what is told of those that are found."""

    @overload
    def find(
        self, kind: str | None = None, *, part: None = None, **criteria: Unpack[Criteria]
    ) -> Found[DocumentInfo]: ...
    @overload
    def find(self, kind: str | None = None, *, part: str, **criteria: Unpack[Criteria]) -> Found[PartInfo]: ...
    def find(self, kind: str | None = None, *, part: str | None = None, **criteria: Unpack[Criteria]) -> Found[Any]:
        """Return the documents that are as asked, or their parts, as a sequence that is read as one looks at it.

        Args:
            kind: of the documents; None for all kinds.
            part: ``"trial"``: the parts of that kind in place of the documents; name, owner and project stay those of
                the document, and type, status, times and *where* are the part's own.
            name, name_prefix, name_like: the name, how it begins, or a pattern: ``%`` is any text, ``_`` any character,
                a backslash escapes; upper and lower case differ.
            project: another project, or several; by default, this store's.
            type, status: a member, its name or its integer, or several of them; a former name of a member counts too.
            owner: the name of the experiment that the documents belong to.
            model: whose classes they are of: ``docstore``, ``ax`` or ``user``.
            created, updated: from the first time (included) to the second (not included); None leaves an end open.
            deleted: those that are deleted, in place of those that are not.
            where: ``{pointer: value}``, or conditions of ``docstore.q``, on what stands in them.
            order_by: columns (the fields of what is told) or pointers, one or several, ``-`` before one for the largest
                first; by default kind and name, and parts by their index. What has nothing there comes first.
            limit: at most so many.

        Raises:
            InvalidValueError: an argument, a kind, a part or a column that there is not: it lists those that there are;
                or *type* or *status* without a kind that has one, or a time without a zone.
            UnknownCodeError: a name that the enum lacks; or, of statuses, an integer.

        Cost:
            Of the call, nothing, or a SELECT for each of a kind that no class is here of, and of a type and a status
            that no search has seen yet.
        """
        unknown = {field: value for field, value in criteria.items() if field not in FIELDS}
        if unknown:
            raise unknown_fields(unknown)
        documents = self._documents()
        known = SearchContext(self._access, documents.codec.registry, self._codes, documents.codec.encode)
        reading = Loader(self._access, self._raw.decode, self._made, documents.part)
        return Found(reading, checked_query(known, kind, part, criteria))

    # --- indexes -------------------------------------------------------------------------------------------------

    def create_index(self, pointer: str, *, kind: str = "experiment", part: str | None = None) -> str:
        """Make an index by which ``find`` is quick at what stands at *pointer*, if there is none; return its name.

        It is the database's own, of the documents of all projects, and is kept up to date by every save. Comparing with
        ``==``, ``in_`` and ``< <= > >=`` uses it, where the kind is given; ``contains`` and ``exists`` do not.

        Args:
            kind: of the documents.
            part: ``"trial"``: of what stands in those parts, where *pointer* leads.

        Raises:
            InvalidValueError: there is no such kind, or part; or *pointer* is none, or one that cannot be indexed.
            NotAllowedError: the database's user may make none.
            DatabaseError: MariaDB has no room for more: its 64 indexes of a table are enough for 29 of these.

        Cost:
            One look at all documents. On PostgreSQL and SQLite nothing is saved meanwhile.
        """
        return indexes.create_index(self._access, self._kind_known(kind), kind, pointer, part).name

    def indexes(self) -> list[PlaceIndex]:
        """Return the indexes that ``create_index`` made, by kind, part and pointer."""
        return indexes.indexes(self._access)

    def drop_index(self, pointer: str, *, kind: str = "experiment", part: str | None = None) -> None:
        """Drop the index on *pointer*; what is found stays the same.

        Raises:
            InvalidValueError: there is none; lists those that there are.
        """
        indexes.drop_index(self._access, self._kind_known(kind), kind, pointer, part)

    def _kind_known(self, kind: str) -> Kind | None:
        return (KINDS.get(kind) or self._documents().kind_named(kind)) if isinstance(kind, str) else None

    # --- how what is found is read -------------------------------------------------------------------------------

    def _made(self, whole: StoredDocument) -> Any:
        return self._loaded(whole.head, whole.state, self._unknown, is_ours=whole.project == self.project)

    def _loaded(self, head: HeadRow, state: State, unknown: Unknown, *, is_ours: bool = True) -> Any:
        """Return the object of a document, of which a later save knows where it came from."""
        documents = self._documents(unknown)
        obj = documents.decode(join(state.pieces))
        # What was put as a JSON value came from no object.
        if is_ours and is_document(state.pieces[HEAD]) and not isinstance(obj, UnknownObject):
            # The name in this version: the document may have been renamed since.
            name = kind_named(head.kind).of(state.pieces[HEAD]).name_in(state.pieces[HEAD]) or head.name
            origin = LoadedState(head.id, name, state.version, state.digests, unknown=unknown)
            self._remember(obj, origin, documents)
        return obj
