"""Files that a trial refers to: listed on its page, and sent for the browser to save, never to show."""

from __future__ import annotations

import pytest
from web_lab import Client, text_of, with_goal

import docstore
from docstore import web
from docstore.web.security import attachment

PHOTO = b"<script>alert(3)</script>"


@pytest.fixture
def shelf(tmp_path):
    """A store with a trial that has a photo, and the folder of the artifacts."""
    with docstore.connect(tmp_path / "lab.db", artifacts=tmp_path / "files") as store:
        experiment = with_goal("cakes", 2)
        photo = store.artifacts.put(PHOTO, media_type="text/html", name='a "photo"/ü.html')
        experiment.trials[1].run_metadata["photos"] = [photo]
        store.save(experiment)
        yield store


PLACE = "/trials/1/run_metadata/photos/0"


class TestATrialWithAFile:
    def test_lists_it_with_a_link(self, shelf):
        text = text_of(Client(web.app(shelf)).get("/trial", name="cakes", index=1))

        assert "a &#34;photo&#34;/ü.html</a>" in text
        assert 'href="/artifact?name=cakes&amp;pointer=%2Ftrials%2F1%2Frun_metadata%2Fphotos%2F0"' in text
        assert "text/html" in text
        assert '<td class="n">25</td>' in text

    def test_lists_it_whatever_characters_its_name_has(self, shelf):
        experiment = shelf.load("cakes")
        experiment.trials[0].run_metadata["photo"] = shelf.artifacts.put(PHOTO, name="a\0b")
        shelf.save(experiment)
        client = Client(web.app(shelf))

        [listed] = client.get("/trial.json", name="cakes", index=0).json()["artifacts"]

        assert listed["name"] == "a\0b"
        answer = client.get("/artifact", name="cakes", pointer=listed["pointer"])
        assert 'filename="a_b"' in answer.headers["content-disposition"]

    def test_has_no_link_if_the_store_does_not_know_the_files(self, shelf):
        with docstore.connect(shelf.engine.url) as plain:
            client = Client(web.app(plain))
            text = text_of(client.get("/trial", name="cakes", index=1))

            assert "a &#34;photo&#34;/ü.html" in text
            assert "/artifact?" not in text
            assert client.get("/artifact", name="cakes", pointer=PLACE).status_code == 400


class TestTheFile:
    def test_is_saved_and_never_shown(self, shelf):
        client = Client(web.app(shelf))

        answer = client.get("/artifact", name="cakes", pointer=PLACE)

        assert (answer.status_code, answer.content) == (200, PHOTO)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-length"] == "25"
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"a _photo___.html\"; filename*=UTF-8''a%20_photo__%C3%BC.html"
        )
        again = {"If-None-Match": answer.headers["etag"]}
        assert client.get("/artifact", again, name="cakes", pointer=PLACE).status_code == 304

    @pytest.mark.parametrize("pointer", ["/trials/1/run_metadata", "/trials/0", "/name", "/nothing", "x"])
    def test_is_only_what_a_document_refers_to(self, shelf, pointer):
        assert Client(web.app(shelf)).get("/artifact", name="cakes", pointer=pointer).status_code == 404

    def test_that_is_missing_or_another_one_is_an_error(self, shelf, tmp_path):
        client = Client(web.app(shelf))
        (file,) = (each for each in (tmp_path / "files").rglob("*") if each.is_file())
        file.chmod(0o600)

        file.write_bytes(b"another")
        assert client.get("/artifact", name="cakes", pointer=PLACE).status_code == 500
        file.unlink()
        assert client.get("/artifact", name="cakes", pointer=PLACE).status_code == 404


@pytest.mark.parametrize(
    ("name", "plain"), [("../../x", "_.._x"), ('a"\r\nb', "a___b"), ("...", "file"), ("x" * 300, "x" * 200)]
)
def test_the_name_of_a_saved_file_leads_nowhere(name, plain):
    assert attachment(name).startswith(f'attachment; filename="{plain}"; ')
