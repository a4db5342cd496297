"""What changed since a page was made, asked of the database once for all browsers."""

from __future__ import annotations

import html
import re

from counting import statements_of
from web_lab import Client, text_of

from docstore import web
from docstore.web.source import Source


def asked_by(client, path, **query):
    """Return the address that a page asks for news."""
    return html.unescape(re.search(r'hx-get="([^"]*/changes[^"]*)"', client.get(path, **query).text)[1])


class TestAPage:
    def test_hears_nothing_while_nothing_changes(self, own):
        client = Client(web.app(own))

        for path, query in (("/", {}), ("/experiment", {"name": "cakes"}), ("/store", {})):
            assert client.get(asked_by(client, path, **query)).status_code == 204, path

    def test_hears_of_a_change_of_its_document(self, own):
        address = asked_by(Client(web.app(own)), "/experiment", name="cakes")
        own.save(self.changed(own), author="bob")

        answer = Client(web.app(own)).get(address)

        assert answer.status_code == 200
        assert "description softer" in text_of(answer).replace("&#34;", "")
        assert "<b>bob</b>" in answer.text

    def test_hears_nothing_of_other_documents(self, own):
        address = asked_by(Client(web.app(own)), "/history", name="small cakes")
        own.save(self.changed(own))

        assert Client(web.app(own)).get(address).status_code == 204

    def changed(self, store):
        experiment = store.load("cakes")
        experiment.description = "softest"
        return experiment


class TestManyBrowsers:
    def test_share_one_question(self, own):
        def asked_for(browsers):
            source = Source(own)
            return len(statements_of(own.engine, lambda: [source.newest() for _ in range(browsers)]))

        assert asked_for(100) == asked_for(1) == 1
