"""A database that is gone, and comes back, while people look."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa
from proxy import HOST, Proxy
from web_lab import PAGES, Client, fill

from docstore import web


@pytest.fixture
def proxy(postgresql):
    url = sa.make_url(postgresql)
    with closing(Proxy(url.host, url.port)) as proxy:
        yield proxy


@pytest.fixture
def store(connect, postgresql, proxy):
    url = sa.make_url(postgresql).set(host=HOST, port=proxy.port)
    store = connect(url.update_query_dict({"sslmode": "disable", "gssencmode": "disable"}))
    fill(store)
    return store


def test_each_page_says_so_and_works_again_when_it_answers(store, proxy):
    client = Client(web.app(store))
    assert client.get("/").status_code == 200

    proxy.close()
    for path, query in PAGES.items():
        answer = client.get(path, **query)
        assert answer.status_code == 503, path
        assert "The database does not answer" in answer.text, path
    assert client.get("/trials.json", name="cakes").status_code == 503

    proxy.listen()
    assert client.get("/experiment", name="cakes").status_code == 200
