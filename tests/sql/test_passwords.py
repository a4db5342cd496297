"""A password of a database URL, well formed or not, is in nothing that is said of what fails."""

from __future__ import annotations

import logging
from urllib.parse import quote, urlsplit

import psycopg2
import pymysql
import pytest
import sqlalchemy as sa
from fuzzing import fuzz
from hypothesis import strategies as st
from told import everything_told

import docstore
from docstore.errors import DocstoreError, InvalidValueError
from docstore.migrations.__main__ import main
from docstore.sqa_store import db
from docstore.sql.dialects import make_engine

FIRST, LAST = "Zq7", "Qx9"
"""What each password begins and ends with: no escape changes them, and nothing else has them."""

NOWHERE = "127.0.0.1:1"
"""Where nothing listens."""

passwords = st.text(st.characters(codec="utf-8") | st.sampled_from("@:/?#%&=+[]\\ '\"\0\ud800"), max_size=8).map(
    lambda text: f"{FIRST}{text}{LAST}"
)

schemes = st.sampled_from(["postgresql", "postgres", "postgresql+psycopg2", "mysql", "mariadb", "mysql+pymysql"])

WITH_A_HOST = [
    "{scheme}://ada:{password}@{host}/lab",
    "{scheme}://:{password}@{host}/lab",
    "{scheme}://ada:{password}@{host}/lab?colour=red",
    "{scheme}://ada:{password}@{host}/lab?connect_timeout=soon",
    "{scheme}://ada:{password}@{host}/lab?plugin=none",
    "{scheme}://ada:{password}@/lab?host=127.0.0.1&port=1",
    "{scheme}://ada:{password}@127.0.0.1:port/lab",
    "{scheme}://ada:{password}@127.0.0.1:99999/lab",
    "{scheme}://ada:{password}@[::1/lab",
    "{scheme}+none://ada:{password}@{host}/lab",
    "{scheme}:///ada:{password}@{host}/lab",
    "{scheme}:/ada:{password}@{host}/lab",
    "{scheme}:ada:{password}@{host}/lab",
    "{scheme}//ada:{password}@{host}/lab",
    "ada:{password}@{host}/lab",
    "none://ada:{password}@{host}/lab",
    "postgresql+asyncpg://ada:{password}@{host}/lab",
    "sqlite://ada:{password}@{host}/lab",
    "{scheme}://{host}/lab?user=ada&password={password}",
    "{scheme}://127.0.0.1:port/lab?user=ada&password={password}",
    "none://{host}/lab?passwd={password}",
]
"""An @ in the password, as in a URL that a person typed, cannot be told from the host's."""

WITHOUT = [
    "{scheme}://ada:{password}:5432/lab",
    "{scheme}://ada:{password}/lab",
    "{scheme}://ada:{password}",
    "{scheme}://ada:{password}:5432?connect_timeout=2",
    "{scheme}://:{password}/lab",
    "{scheme}:///ada:{password}:5432/lab",
    "{scheme}:/ada:{password}:5432/lab",
    "{scheme}:ada:{password}:5432/lab",
    "ada:{password}:5432/lab",
    "none://ada:{password}:5432/lab",
]

urls = st.one_of(
    st.builds(
        lambda shape, scheme, password, escaped: shape.format(
            scheme=scheme, password=_escaped(password) if escaped else password, host=NOWHERE
        ),
        st.sampled_from(WITH_A_HOST),
        schemes,
        passwords,
        st.booleans(),
    ),
    st.builds(
        lambda shape, scheme, password: shape.format(scheme=scheme, password=password.replace("@", "")),
        st.sampled_from(WITHOUT),
        schemes,
        passwords,
    ),
)


def _escaped(password):
    return quote(password, safe="", errors="surrogatepass")


@pytest.fixture
def everything_logged(caplog):
    """Logging by all, SQLAlchemy too, at its most talkative."""
    for name in ("", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "alembic"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def told_by(call):
    """All that the error of a call tells; it is one of ours."""
    with pytest.raises(DocstoreError) as caught:
        call()
    return everything_told(caught.value)


@pytest.fixture
def hidden(everything_logged, capfd):
    """Check that a call that fails tells no password: in its error, the log and the output."""

    def hidden(call):
        everything_logged.clear()
        told = told_by(call)
        told += "".join(record.getMessage() + repr(record.args) for record in everything_logged.records)
        told += "".join(capfd.readouterr())
        assert [sign for sign in (FIRST, LAST) if sign in told] == []

    return hidden


def connect_by_the_seeds_name(url):
    db.init_engine_and_session_factory(url=url, echo=True, force_init=True)
    db.create_all_tables(db.get_engine())


class TestAPasswordInAUrl:
    """Whatever is wrong with the URL, or with the server that it leads to."""

    @pytest.mark.fuzz
    @pytest.mark.parametrize("call", [docstore.connect, connect_by_the_seeds_name], ids=["connect", "seed"])
    def test_is_told_by_nothing(self, hidden, monkeypatch, call):
        monkeypatch.setattr(db, "_database", None)

        fuzz(lambda url: hidden(lambda: call(url)), urls, in_ci=250)

    @pytest.mark.parametrize(
        "scheme", ["postgresql", "postgresql+none", "postgresql+asyncpg", "mysql", "MYSQL", "none", "sqlite"]
    )
    @pytest.mark.parametrize("url", [f"ada:half@{FIRST}@127.0.0.1:99999/lab", f"ada/{FIRST}@127.0.0.1:1/lab"])
    def test_is_told_by_nothing_where_sqlalchemy_took_a_piece_of_it_for_the_host_or_database(self, hidden, scheme, url):
        hidden(lambda: docstore.connect(sa.make_url(f"{scheme}://{url}")))

    @pytest.mark.fuzz
    def test_is_not_told_by_the_command_that_makes_the_tables(self, capfd):
        def law(url):
            assert main([url]) == 1
            assert [sign for sign in (FIRST, LAST) if sign in "".join(capfd.readouterr())] == []

        fuzz(law, urls.filter(lambda url: not url.startswith("-")), in_ci=100)

    def test_with_a_blank_is_not_told_by_that_command(self, capfd):
        with pytest.raises(SystemExit):
            main(["postgresql://ada:half", f"{FIRST}@127.0.0.1:1/lab"])

        assert FIRST not in "".join(capfd.readouterr())

    @pytest.mark.parametrize("make", [str.encode, urlsplit, lambda url: {"url": url}, lambda url: [url]])
    def test_that_is_given_as_something_else_is_told_by_nothing(self, hidden, make):
        hidden(lambda: docstore.connect(make(f"postgresql://ada:{FIRST}@127.0.0.1:1/lab")))

    def test_of_a_host_that_was_forgotten_is_in_no_cause_and_no_context(self):
        with pytest.raises(InvalidValueError, match=r"'postgresql://user:\*\*\*' cannot be used") as caught:
            docstore.connect("postgresql://user:PASSWORD:5432/lab")

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    @pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
    def test_of_a_target_that_cannot_be_reached_is_not_told_by_copying(self, hidden, scheme):
        with docstore.connect("sqlite://") as source:
            source.put("note", "n", 1)
            target = docstore.Store(make_engine(f"{scheme}://ada:{FIRST}%40{LAST}@{NOWHERE}/lab"))

            hidden(lambda: source.copy_to(target))

            target.close()


class TestAPasswordThatACreatorConnectsWith:
    @pytest.mark.fuzz
    def test_is_told_by_nothing(self, hidden):
        """The driver shows what it cannot read of the text that it is given."""

        def law(url):
            def creator():
                return psycopg2.connect(url.replace("\0", ""))

            hidden(lambda: docstore.connect(creator=creator))

        postgresql = urls.filter(lambda url: url.startswith("postgres") and "+" not in url.partition(":")[0])
        fuzz(law, postgresql.map(lambda url: url.encode(errors="ignore").decode()), in_ci=200)

    @pytest.mark.parametrize(
        "url", ["postgresql://ada:half@{}@127.0.0.1/lab", "postgresql://ada:half@{}@127.0.0.1:1/lab"]
    )
    def test_is_not_told_where_its_end_is_taken_for_the_host(self, hidden, url):
        hidden(lambda: docstore.connect(creator=lambda: psycopg2.connect(url.format(FIRST))))

    @pytest.mark.parametrize("dsn", ["{}", "host=127.0.0.1 port={}", "password = '{}", "postgresql://[{}"])
    def test_in_a_text_of_key_and_value_is_not_told_either(self, hidden, dsn):
        hidden(lambda: docstore.connect(creator=lambda: psycopg2.connect(dsn.format(FIRST))))

    def test_is_not_told_of_mariadb(self, hidden):
        def creator():
            return pymysql.connect(host="127.0.0.1", port=1, user="ada", password=FIRST)

        hidden(lambda: docstore.connect(creator=creator))
