"""What an administrator of a server does in tests: statements of every kind, users with few rights, refusals."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import sqlalchemy as sa


@contextlib.contextmanager
def administrator(url: str | sa.URL) -> Iterator[sa.Connection]:
    """A connection of the tests' own user, in which each statement is its own transaction."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def run(connection: sa.Connection, statement: str) -> None:
    """Execute a statement as it stands: a percent sign in it is one, and a colon is no parameter."""
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(statement)


@contextlib.contextmanager
def new_user(url: str | sa.URL, password: str, *, rights: str = "", host: str = "%") -> Iterator[sa.URL]:
    """The URL of a user who may log in, and has no more than *rights* in the database; gone at the end.

    Args:
        rights: on PostgreSQL to the schema that the URL leads to, on MariaDB to all tables of the database.
        host: MariaDB: from where the user may connect.
    """
    url = sa.make_url(url)
    # With what a name in SQL, or in a shell, is quoted for.
    name = f"Test user-{secrets.token_hex(6)}"
    on_postgresql = url.get_backend_name() == "postgresql"
    account = f'"{name}"' if on_postgresql else f"`{name}`@'{host}'"
    # In neither is a password bound as a parameter.
    spelled = password.replace("'", "''") if on_postgresql else password.replace("\\", r"\\").replace("'", r"\'")
    made = f"CREATE ROLE {account} LOGIN PASSWORD" if on_postgresql else f"CREATE USER {account} IDENTIFIED BY"
    with administrator(url) as connection:
        run(connection, f"{made} '{spelled}'")
        if rights:
            place = f'SCHEMA "{schema_of(connection)}"' if on_postgresql else f"`{url.database}`.*"
            run(connection, f"GRANT {rights} ON {place} TO {account}")
    try:
        yield url.set(username=name, password=password)
    finally:
        with administrator(url) as connection:
            if on_postgresql:
                # With all that was granted to the user, or that the user made, in this database.
                run(connection, f"DROP OWNED BY {account} CASCADE")
            run(connection, f"DROP {'ROLE' if on_postgresql else 'USER'} {account}")


def schema_of(connection: sa.Connection) -> str:
    """The schema that the connection makes tables in, on PostgreSQL."""
    return str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())


def refuse(connection: sa.Connection, code: int | str, *, times: int = 1_000_000) -> None:
    """Let the server refuse each new version with an error of its own, so many *times*, until ``relent``.

    How often it did is counted where no rollback undoes it.

    Args:
        code: an SQLSTATE of PostgreSQL's, or a number of MariaDB's.
    """
    if connection.dialect.name == "postgresql":
        statements = [
            "CREATE SEQUENCE refused",
            f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('refused') <= {times} THEN
                    RAISE EXCEPTION 'refused by a test' USING ERRCODE = '{code}';
                END IF;
                RETURN NEW;
            END $$""",
            "CREATE TRIGGER refuse BEFORE INSERT ON versions FOR EACH ROW EXECUTE FUNCTION refuse()",
        ]
    else:
        statements = [
            "CREATE TABLE refused (n INTEGER) ENGINE = MyISAM",
            f"""CREATE TRIGGER refuse BEFORE INSERT ON versions FOR EACH ROW BEGIN
                INSERT INTO refused VALUES (1);
                IF (SELECT count(*) FROM refused) <= {times} THEN
                    SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'refused by a test';
                END IF;
            END""",
        ]
    for statement in statements:
        run(connection, statement)


def relent(connection: sa.Connection) -> None:
    """Let the server take new versions again."""
    run(connection, "DROP TRIGGER refuse" + (" ON versions" if connection.dialect.name == "postgresql" else ""))
