"""Who may ask, who may write, and what each answer says to the browser."""

from __future__ import annotations

import hashlib
import html
import re

import pytest
import sqlalchemy as sa
from counting import calls_of
from web_lab import Client, with_goal

from docstore import web
from docstore.errors import InvalidValueError
from docstore.web.pages.note import save_note
from docstore.web.source import Source

TOKEN = "a token nobody guesses"


class TestEachAnswer:
    def test_lets_the_browser_run_and_load_only_what_is_here(self, client):
        for path in ("/", "/list.json", "/nothing", "/static/page.js", "/experiment?name=none"):
            policy = client.get(path).headers["content-security-policy"]

            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
            assert "unsafe" not in policy, path

    def test_has_no_script_or_style_in_itself_and_no_address_elsewhere(self, client):
        for path in ("/", "/experiment?name=cakes", "/objective?name=cakes", "/history?name=cakes", "/store"):
            text = client.get(path).text

            assert re.findall(r"<script(?! src)|<style|\sstyle=|\son\w+=", text) == [], path
            assert re.findall(r'(?:src|href|action)="(?:\w+:)?//', text) == [], path

    def test_under_another_name_is_a_refusal(self, lab):
        app = web.app(lab, hosts=("127.0.0.1", "::1"))

        assert Client(app, "http://127.0.0.1:8010").get("/").status_code == 200
        assert Client(app, "http://[::1]:8010").get("/").status_code == 200
        assert Client(app, "http://evil.example:8010").get("/").status_code == 421
        assert Client(app).get("/", {"Host": "["}).status_code == 421

    def test_is_a_page_with_the_headers_even_if_an_error_was_not_expected(self, own):
        client = Client(web.app(own), raises=False)
        sa.event.listen(own.engine, "before_cursor_execute", lambda *_: 1 // 0)

        answer = client.get("/trials", name="cakes")

        assert (answer.status_code, answer.headers["cache-control"]) == (500, "no-store")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "It went wrong" in answer.text

    def test_about_a_number_of_thousands_of_digits_is_a_page(self, client):
        many = "9" * 5_000

        for path in ("/experiment", "/trials", "/diff", "/json"):
            assert client.get(path, name="cakes", version=many, a=many).status_code == 404, path
        assert client.get("/trial", name="cakes", index=many).status_code == 400
        assert client.get("/changes", kind="experiment", name="cakes", seen=many).status_code == 200


class TestAStaticFile:
    def test_is_kept_by_the_browser_only_under_the_address_that_pages_have(self, client):
        [link] = re.findall(r'src="(/static/page.js[^"]+)"', client.get("/").text)

        assert "immutable" in client.get(link).headers["cache-control"]
        assert client.get("/static/page.js", v="older").headers["cache-control"] == "no-cache"

    def test_is_one_of_the_folder_and_no_other(self, client):
        for name in ("..%2Froutes.py", "%2e%2e%2fstyle.css", "README.md", "a%00.css", "a" * 300 + ".css", ""):
            assert client.get(f"/static/{name}").status_code == 404, name


def mark(text):
    """What the form of a page that shows this description says that it was made from."""
    return hashlib.sha256(text.encode()).hexdigest()


FORM = {"kind": "experiment", "name": "cakes", "version": "1", "tag": "mine"}


class TestWithoutTheToken:
    def test_nothing_is_changed(self, own):
        for client in (Client(web.app(own)), Client(web.app(own, write=True, token=TOKEN))):
            for path in ("/tag", "/untag", "/revert", "/note"):
                assert client.post(path, {**FORM, "note": "mine", "mark": mark("softer")}).status_code == 403

        assert (own.tags("cakes"), len(own.history("cakes"))) == ({"published": 1}, 2)
        assert own.get("cakes", pointer="/description") == "softer"

    def test_nobody_signs_in(self, own):
        client = Client(web.app(own, write=True, token=TOKEN))

        assert client.post("/sign-in", {"token": "a token somebody guesses"}).status_code == 403
        assert client.get("/sign-in", token="").status_code == 403
        assert client.post("/tag", FORM).status_code == 403

    def test_there_is_no_writing_app(self, lab):
        with pytest.raises(InvalidValueError, match="Give both"):
            web.app(lab, write=True)
        with pytest.raises(InvalidValueError, match="Give both"):
            web.app(lab, token=TOKEN)
        with pytest.raises(InvalidValueError, match="at least 16 characters"):
            web.app(lab, write=True, token="1234")


@pytest.fixture
def writer(own):
    client = Client(web.app(own, write=True, token=TOKEN))
    assert client.post("/sign-in", {"token": TOKEN}).status_code == 303
    return client


class TestWithTheToken:
    def test_the_browser_keeps_a_cookie_that_no_script_and_no_other_site_can_use(self, own):
        answer = Client(web.app(own, write=True, token=TOKEN)).get("/sign-in", token=TOKEN)

        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie

    def test_a_tag_is_set_and_removed(self, own, writer):
        form = {"kind": "experiment", "name": "cakes"}

        assert writer.post("/tag", {**form, "version": "2", "tag": "best"}).status_code == 303
        assert own.tags("cakes") == {"best": 2, "published": 1}
        assert writer.post("/untag", {**form, "tag": "best"}).status_code == 303
        assert own.tags("cakes") == {"published": 1}

    def test_a_tag_that_names_another_version_is_moved_only_if_the_form_says_it(self, own, writer):
        form = {"kind": "experiment", "name": "cakes", "version": "2", "tag": "published"}

        assert writer.post("/tag", form).status_code == 409
        assert writer.post("/tag", {**form, "move": "yes"}).status_code == 303
        assert own.tags("cakes") == {"published": 2}

    def test_a_number_of_thousands_of_digits_names_no_version(self, writer):
        form = {"kind": "experiment", "name": "cakes", "version": "9" * 5_000, "tag": "best"}

        assert writer.post("/tag", form).status_code == 400
        assert writer.post("/revert", form).status_code == 400

    def test_a_version_is_brought_back(self, own, writer):
        form = {"kind": "experiment", "name": "cakes", "version": "1", "message": "too soft", "author": "dora"}
        writer.post("/revert", form)

        newest = own.history("cakes")[0]
        assert (newest.number, newest.message, newest.author) == (3, "too soft", "dora")
        assert own.get("cakes", pointer="/description") == "soft"

    def test_the_form_of_another_site_changes_nothing(self, own, writer):
        form = {"kind": "experiment", "name": "cakes", "version": "2", "tag": "theirs"}

        origins = [{"Origin": each} for each in ("http://evil.example", "http://[", "null", "")]
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Accept": "text/html"}, *origins):
            assert writer.post("/tag", form, headers).status_code == 403
            edited = {"name": "cakes", "note": "theirs", "mark": mark("softer")}
            assert writer.post("/note", edited, headers).status_code == 403
        assert own.tags("cakes") == {"published": 1}
        assert len(own.history("cakes")) == 2

    def test_the_history_has_the_forms(self, own, writer):
        assert 'action="/revert"' in writer.get("/history", name="cakes").text
        assert "<form method" not in Client(writer.app).get("/history", name="cakes").text

    def test_a_form_that_is_too_large_changes_nothing(self, own, writer):
        edited = {"name": "cakes", "note": "x" * 2_000_000, "mark": mark("softer")}

        assert writer.post("/note", edited).status_code == 413
        assert writer.post("/note", {**edited, "note": "x" * 60_000}).status_code == 400
        assert len(own.history("cakes")) == 2


class TestANote:
    """The description of an experiment, edited on its page by who has the token."""

    def form_of(self, writer, name="cakes"):
        """Return what the form of the page would send if nobody typed anything."""
        form = writer.get("/experiment", name=name).text.partition('action="/note"')[2].partition("</form>")[0]
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        text = form.partition("<textarea")[2].partition(">\n")[2].partition("</textarea>")[0]
        return {key: html.unescape(value) for key, value in {**fields, "note": text}.items()}

    def test_is_saved_as_a_version_with_a_message(self, own, writer):
        form = {**self.form_of(writer), "note": "soft\r\nand <b>sweet</b>", "message": "tasted again"}

        answer = writer.post("/note", form)

        assert (answer.status_code, answer.headers["location"]) == (303, "/experiment?name=cakes")
        newest = own.history("cakes")[0]
        assert (newest.number, newest.author, newest.message) == (3, "ada", "tasted again")
        assert newest.places == ("/description",)
        assert own.get("cakes", pointer="/description") == "soft\nand <b>sweet</b>"
        assert "soft\nand &lt;b&gt;sweet&lt;/b&gt;" in writer.get("/experiment", name="cakes").text

    def test_is_by_who_gives_a_name(self, own, writer):
        writer.post("/note", {**self.form_of(writer), "note": "sweet", "author": " dora "})

        assert own.history("cakes")[0].author == "dora"

    def test_that_somebody_else_changed_meanwhile_is_not_overwritten_and_both_texts_are_shown(self, own, writer):
        form = {**self.form_of(writer), "note": "sweet", "message": "more sugar"}
        theirs = own.load("cakes")
        theirs.description = "salty"
        own.save(theirs, author="dora")

        answer = writer.post("/note", form)

        assert answer.status_code == 409
        shown = answer.text.partition("<main")[2]
        assert [text in shown for text in ("salty", "sweet", "more sugar", "<b>dora</b>")] == [True] * 4
        assert own.get("cakes", pointer="/description") == "salty"
        assert writer.post("/note", {**form, "mark": mark("salty")}).status_code == 303
        assert own.get("cakes", pointer="/description") == "sweet"

    def test_that_is_changed_between_the_reading_and_the_saving_is_a_conflict_too(self, own, writer):
        theirs = own.load("cakes")
        theirs.description = "salty"
        form = {**self.form_of(writer), "note": "sweet"}
        load = own.load

        def then_save(*args, **options):
            found = load(*args, **options)
            own.save(theirs, author="dora")
            return found

        own.load = then_save
        answer = writer.post("/note", form)

        assert answer.status_code == 409
        assert own.get("cakes", pointer="/description") == "salty"

    def test_is_saved_beside_what_others_changed_elsewhere(self, own, writer):
        form = {**self.form_of(writer), "note": "sweet"}
        theirs = own.load("cakes")
        theirs.properties["oven"] = 3
        own.save(theirs)

        assert writer.post("/note", form).status_code == 303
        assert (own.load("cakes").description, own.load("cakes").properties["oven"]) == ("sweet", 3)

    def test_that_nobody_changed_is_no_version_whatever_ends_its_lines(self, own, writer):
        experiment = own.load("cakes")
        experiment.description = "soft\r\nand sweet"
        own.save(experiment)

        assert writer.post("/note", self.form_of(writer)).status_code == 303
        assert len(own.history("cakes")) == 3

    @pytest.mark.parametrize("text", ["bell\x07", "half \ud800", "old\rMac"])
    def test_with_characters_that_a_form_would_change_has_no_form(self, own, writer, text):
        experiment = own.load("cakes")
        experiment.description = text
        own.save(experiment)

        assert 'action="/note"' not in writer.get("/experiment", name="cakes").text

    def test_begins_with_an_empty_line_if_it_did(self, own, writer):
        experiment = own.load("cakes")
        experiment.description = "\n\nsoft"
        own.save(experiment)

        assert self.form_of(writer)["note"] == "\n\nsoft"

    def test_of_another_kind_or_of_nothing_is_refused(self, own, writer):
        assert writer.post("/note", {"kind": "note", "name": "shopping", "note": "sweet"}).status_code == 400
        assert writer.post("/note", {"name": "cake", "note": "sweet", "mark": mark("")}).status_code == 404
        assert writer.post("/note", {"note": "sweet"}).status_code == 404

    def test_in_a_store_that_is_read_only_stays(self, own, connect):
        client = Client(web.app(connect(own.engine.url, read_only=True), write=True, token=TOKEN))
        client.post("/sign-in", {"token": TOKEN})

        assert client.post("/note", {**self.form_of(client), "note": "sweet"}).status_code == 403
        assert own.get("cakes", pointer="/description") == "softer"

    def test_takes_as_much_for_many_trials_as_for_few(self, own, writer):
        own.save(with_goal("few", 2))
        own.save(with_goal("many", 60))

        def calls(name):
            return calls_of(save_note, Source(own), name, "sweet", mark("soft"), "")

        calls("few")  # what is compiled once
        own.revert("few", 1)
        assert calls("many") <= calls("few") + 100

    def test_has_no_form_for_who_may_not_write_and_none_at_an_older_version(self, own, writer):
        assert 'action="/note"' in writer.get("/experiment", name="cakes").text
        assert 'action="/note"' not in writer.get("/experiment", name="cakes", version=1).text
        assert 'action="/note"' not in Client(writer.app).get("/experiment", name="cakes").text
