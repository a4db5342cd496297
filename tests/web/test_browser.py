"""A person with a browser: Chromium goes through the pages, with and without JavaScript."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright
from web_lab import TRICKY, fill, with_goal

import docstore
from docstore import web
from docstore.testing.experiments import add_trial, observe
from docstore.web import serving

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server")
TOKEN = "a token nobody guesses"


@contextmanager
def served(store: docstore.Store) -> Iterator[str]:
    """Give the address of the pages of *store*, until the block ends."""
    with serving.listen("127.0.0.1", 0) as listening:
        server = serving.server_of(store, "127.0.0.1", write=True, token=TOKEN)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("the program chromium is not installed; switch it on by 'make services'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[docstore.Store, str]]:
    """A store, and where its pages are."""
    with docstore.connect(tmp_path_factory.mktemp("browser") / "lab.db", author="ada") as store:
        fill(store)
        store.tag("cakes", "t" * 255, 2)
        store.put("note", "of a long name", {}, author="a" * 255, message="m" * 255)
        with served(store) as address:
            yield store, address


class Visitor:
    """A page in the browser that notes what goes wrong."""

    def __init__(self, browser: Browser, address: str, **options: bool) -> None:
        self.address = address
        self.page: Page = browser.new_context(**options).new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        self.page.goto(f"{address}/")

    def _note(self, url: str) -> None:
        if not url.startswith(f"{self.address}/"):
            self.wrong.append(f"elsewhere: {url}")

    def _note_failure(self, request: Request) -> None:
        # The browser gives up what it was loading when somebody clicks on.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"{request.failure}: {request.url}")

    def click(self, text: str) -> None:
        self.page.get_by_role("link", name=text, exact=True).first.click()

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()


@pytest.fixture
def visitor(browser, kitchen):
    visitor = Visitor(browser, kitchen[1])
    yield visitor
    assert visitor.wrong == []
    visitor.page.context.close()


class TestAVisitor:
    def test_clicks_through_every_page(self, visitor):
        visitor.click("cakes")
        visitor.page.locator(".plot canvas").wait_for()
        assert visitor.page.locator("#objective .best b").inner_text() == "0.2"
        visitor.click("Trials")
        visitor.page.locator("tbody tr").nth(1).get_by_role("link").click()
        assert "Trial 1" in visitor.page.locator("h2").nth(1).inner_text()
        visitor.click("History")
        visitor.page.locator("input[type=range][data-for=a]").fill("1")
        assert visitor.page.locator("input[name=a]").input_value() == "1"
        visitor.page.get_by_role("button", name="Show").click()
        assert "softer" in visitor.page.locator("table.diff").inner_text()
        visitor.click("JSON")
        visitor.click("search_space")
        assert "RangeParameter" in visitor.page.locator("table.json").inner_text()
        visitor.click("Store")
        visitor.click("note")
        visitor.click("shopping")
        assert visitor.heading.split() == ["shopping", "note"]

    def test_sees_arms_that_do_not_fulfil_the_constraints_apart(self, visitor, kitchen):
        experiment = with_goal("dear", 2)
        bound = docstore.OutcomeConstraint("cost <= 1.0")
        experiment.optimization_config = docstore.OptimizationConfig(docstore.Objective("taste"), [bound])
        observe(experiment, 0, 0.5, "cost")
        kitchen[0].save(experiment)

        visitor.page.goto(f"{visitor.address}/objective?name=dear")

        legend = visitor.page.locator(".plot .u-legend")
        legend.get_by_text("not feasible").wait_for()
        visitor.page.goto(f"{visitor.address}/objective?name=cakes")
        legend.get_by_text("best so far").wait_for()
        assert "not feasible" not in legend.inner_text()

    def test_reads_a_name_that_looks_like_a_script(self, visitor):
        visitor.click(TRICKY)

        assert visitor.heading == TRICKY
        visitor.click("History")
        assert "<b>eve</b>" in visitor.page.locator(".lead").inner_text()

    def test_reads_dates_in_their_direction_beside_a_name_that_turns_it(self, visitor, kitchen):
        store, _ = kitchen
        store.put("note", "turned", {}, author="eve\u202e")
        visitor.page.goto(f"{visitor.address}/history?kind=note&name=turned")

        author = visitor.page.locator(".timeline .who b")
        where = "each => each.getBoundingClientRect().left"
        assert author.inner_text() == "eve\u202e"
        assert author.evaluate(where) < visitor.page.locator(".timeline time").evaluate(where)
        assert author.evaluate("each => getComputedStyle(each).unicodeBidi") == "isolate"

    def test_hears_of_a_change_while_looking(self, visitor, kitchen):
        store, _ = kitchen
        store.save(with_goal("muffins", 2))
        visitor.page.goto(f"{visitor.address}/experiment?name=muffins")

        experiment = store.load("muffins")
        add_trial(experiment, 0.7)
        store.save(experiment, author="dora")

        news = visitor.page.locator("#news")
        news.get_by_text("dora").wait_for(timeout=20_000)
        assert "trial 2 added" in news.inner_text()

    def test_keeps_the_focus_on_the_news_while_nothing_else_is_new(self, visitor, kitchen):
        store, _ = kitchen
        store.save(with_goal("scones", 1))
        visitor.page.goto(f"{visitor.address}/experiment?name=scones")
        experiment = store.load("scones")
        add_trial(experiment, 0.7)
        store.save(experiment, author="dora")
        link = visitor.page.locator("#news .again")
        link.focus(timeout=20_000)

        for _ in range(2):
            visitor.page.wait_for_event("requestfinished", lambda request: "/changes" in request.url, timeout=20_000)

        assert link.evaluate("each => each === document.activeElement")

    def test_is_told_while_the_server_or_the_database_does_not_answer(self, visitor):
        visitor.page.clock.install()
        visitor.page.reload()
        lost, news = visitor.page.get_by_text("The server does not answer"), visitor.page.locator("#news")
        assert lost.is_hidden()

        visitor.page.route("**/changes*", lambda route: route.abort())
        visitor.page.clock.fast_forward(4_000)
        lost.wait_for()
        visitor.page.unroute("**/changes*")
        failure = '<p class="wrong">No database</p>'
        visitor.page.route("**/changes*", lambda route: route.fulfill(status=503, body=failure))
        visitor.page.clock.fast_forward(4_000)
        news.get_by_text("No database").wait_for()
        assert lost.is_hidden()
        visitor.page.unroute("**/changes*")
        visitor.page.clock.fast_forward(4_000)
        news.get_by_text("No database").wait_for(state="detached")

        visitor.wrong.clear()  # the browser reports what it could not load

    def test_prints_times_and_not_how_long_ago_they_were(self, visitor):
        moment = visitor.page.locator("time").first
        assert "UTC" not in moment.inner_text()

        visitor.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert moment.inner_text().endswith(" UTC")
        visitor.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert "UTC" not in moment.inner_text()

    def test_goes_on_by_the_keyboard(self, visitor):
        visitor.page.keyboard.press("Tab")
        assert visitor.page.locator(":focus").inner_text() == "To the content"
        visitor.page.keyboard.press("Enter")
        visitor.page.keyboard.press("Tab")
        focused = visitor.page.locator(":focus").get_attribute("href")
        visitor.page.keyboard.press("Enter")
        visitor.page.wait_for_url(f"{visitor.address}{focused}")

    def test_signs_in_and_tags_a_version(self, visitor, kitchen):
        store, _ = kitchen
        visitor.page.goto(f"{visitor.address}/sign-in")
        visitor.page.get_by_label("Token").fill(TOKEN)
        visitor.page.get_by_role("button").click()
        visitor.page.goto(f"{visitor.address}/history?name=small%20cakes")
        version = visitor.page.locator("#v2")
        version.get_by_text("Tag, or bring back").click()
        version.get_by_label("Tag", exact=True).fill("tasted")
        version.get_by_role("button", name="Tag version 2").click()

        visitor.page.locator("#v2 .tag", has_text="tasted").wait_for()
        assert store.tags("small cakes") == {"tasted": 2}

    def test_has_no_page_that_is_wider_than_a_telephone(self, browser, kitchen):
        page = browser.new_context(viewport={"width": 400, "height": 800}).new_page()
        for path in ("/", "/experiment?name=cakes", "/trials?name=cakes", "/history?name=cakes", "/diff?name=cakes"):
            page.goto(kitchen[1] + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


class TestAReportAsAFile:
    """Opened from the disk, with no network."""

    @pytest.fixture
    def page(self, browser, kitchen, tmp_path):
        file = tmp_path / "cakes.html"
        file.write_bytes(web.report(kitchen[0], "cakes"))
        page = browser.new_context(offline=True, viewport={"width": 400, "height": 800}).new_page()
        wrong = []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        yield page
        assert [each for each in wrong if not each.startswith("blob:")] == []
        page.context.close()

    def test_says_what_differs_between_two_versions(self, page):
        page.locator("input[name=a]").fill("1")
        page.get_by_role("button", name="Show").click()

        page.locator("#answer table").wait_for()
        rows = [row.split("\t") for row in page.locator("#answer").inner_text().split("\n")[2:]]
        assert rows[0] == ["", "description", "soft", "softer"]
        assert rows[2] == ["", "taste", "", "0.05 (sem 0.25)"]

    def test_opens_the_json(self, page, kitchen):
        page.get_by_role("button", name="Open the JSON").click()

        page.locator("#json pre").wait_for()
        assert page.locator("#json pre").text_content() == kitchen[0].get_json("cakes", indent=True).decode()
        assert page.locator("#json a").get_attribute("download") == "cakes.json"

    def test_is_no_wider_than_a_telephone(self, page):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestAVisitorWithoutJavaScript:
    def test_gets_everywhere_too(self, browser, kitchen):
        visitor = Visitor(browser, kitchen[1], java_script_enabled=False)
        visitor.click("cakes")
        visitor.click("Plot, table and best arms")
        assert visitor.page.locator("svg.chart circle").count() == 4
        visitor.page.get_by_text("The values as a table").click()
        assert visitor.page.locator("details tbody tr").count() == 4
        visitor.click("History")
        visitor.page.locator("input[name=a]").fill("1")
        visitor.page.get_by_role("button", name="Show").click()

        assert "softer" in visitor.page.locator("table.diff").inner_text()
        assert visitor.wrong == []

    def test_edits_a_note_and_sees_both_texts_of_a_conflict(self, browser, kitchen):
        store, address = kitchen
        store.save(with_goal("buns", 1))
        visitor = Visitor(browser, address, java_script_enabled=False)
        visitor.page.goto(f"{address}/sign-in?token={TOKEN}")
        visitor.page.goto(f"{address}/experiment?name=buns")
        visitor.page.get_by_text("Edit the description").click()
        visitor.page.get_by_label("Description").fill("sweet\nand round")
        theirs = store.load("buns")
        theirs.description = "salty"
        store.save(theirs, author="dora")

        visitor.page.get_by_role("button", name="Save").click()
        assert "salty" in visitor.page.locator(".note").inner_text()
        assert visitor.page.get_by_label("Description").input_value() == "sweet\nand round"
        visitor.page.get_by_role("button", name="Save").click()
        assert visitor.page.locator(".note").inner_text() == "sweet\nand round"
        assert store.get("buns", pointer="/description") == "sweet\nand round"
        assert [each for each in visitor.wrong if "409" not in each] == []
