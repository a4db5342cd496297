"""A server of docstore's own: where it listens, what it prints; and what the package brings along."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from importlib import resources
from urllib.request import urlopen

import pytest
from web_lab import Client

from docstore import web
from docstore.errors import InvalidValueError, MissingDependencyError
from docstore.web import serving

STATIC = resources.files("docstore.web") / "static"
VENDORED = ("htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css")


class TestTheServer:
    def test_says_where_it_is_and_how_to_sign_in(self):
        assert serving.greeting("127.0.0.1", 8010, None) == "docstore is at http://127.0.0.1:8010/  (Ctrl-C ends it)"
        assert "http://[::1]:80/sign-in?token=a%2Fb" in serving.greeting("::1", 80, "a/b")
        assert "Everybody who can reach" in serving.greeting("0.0.0.0", 80, None)

    def test_runs_until_ctrl_c_and_only_reads(self, fresh_database):
        url = fresh_database("sqlite")
        program = f"import docstore.web; docstore.web.serve({url!r}, port=0)"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
            try:
                address = re.search(r"http://\S+", process.stdout.readline())[0]
                page = urlopen(f"{address}store").read().decode()
            finally:
                process.send_signal(signal.SIGINT)
                ended = process.wait(20)

        assert "read only" in page
        assert ended == 0

    def test_does_not_take_an_address_that_another_program_has(self, lab):
        with (
            closing(serving.listen("127.0.0.1", 0)) as taken,
            pytest.raises(InvalidValueError, match="Give another, or 0"),
        ):
            web.serve(lab, port=taken.getsockname()[1])

    @pytest.mark.parametrize("host", ["nope.invalid", "192.0.2.1", "a..b"])
    def test_does_not_take_an_address_that_is_not_this_machines(self, lab, host):
        with pytest.raises(InvalidValueError, match=rf"host: '{host}' cannot be used\..* Give an address of"):
            web.serve(lab, host=host)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::", "", "lab.example"])
    def test_is_asked_under_its_names_and_by_numbers_alone_wherever_it_listens(self, lab, host):
        app = serving.server_of(lab, host, ["Pages.Example"]).config.app
        numbers = ("127.0.0.1:8010", "192.0.2.7", "[2001:db8::7]:8010")

        for name in ("localhost:8010", socket.gethostname(), "pages.example", *numbers):
            assert Client(app, f"http://{name}").get("/store").status_code == 200, name
        for name in ("evil.example:8010", "localhost.evil.example", "127.0.0.1.evil.example"):
            assert Client(app, f"http://{name}").get("/store").status_code == 421, name
        assert Client(app).get("/store", {"Host": "["}).status_code == 421
        assert Client(app, "http://lab.example").get("/store").status_code == (200 if host == "lab.example" else 421)

    def test_takes_a_list_of_names_and_no_text(self, lab):
        for start in (web.app, lambda store, hosts: web.serve(store, port=0, hosts=hosts)):
            with pytest.raises(InvalidValueError, match="hosts"):
                start(lab, hosts="lab.example")

    def test_takes_no_token_without_write(self, lab):
        with pytest.raises(InvalidValueError, match="give write=True as well"):
            web.serve(lab, port=0, token="a token nobody guesses")

    def test_without_its_libraries_names_the_extra(self, lab, monkeypatch):
        for name in [name for name in sys.modules if name.startswith(("docstore.web.", "starlette"))]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(web, "routes", raising=False)
        monkeypatch.setitem(sys.modules, "starlette", None)

        with pytest.raises(MissingDependencyError, match=re.escape("pip install 'docstore[web]'")):
            web.app(lab)


class TestTheStaticFiles:
    def test_of_others_are_small_and_have_their_licences(self):
        assert sum(len((STATIC / name).read_bytes()) for name in VENDORED) < 120_000
        text = (STATIC / "README.md").read_text()
        assert all(name in text for name in (*VENDORED, "htmx.LICENSE", "uPlot.LICENSE"))
        assert "4.0.1" in text
        assert "4.0.1" in (STATIC / "htmx.min.js").read_text()

    def test_are_kept_by_the_browser_until_they_change(self, client):
        page = client.get("/").text

        for path in re.findall(r'"(/static/[^"]+)"', page):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "immutable" in answer.headers["cache-control"], path

    def test_are_all_that_is_served_from_there(self, client):
        for path in ("/static/README.md", "/static/none.js", "/static/..%2Froutes.py", "/static/%2E%2E/routes.py"):
            assert client.get(path).status_code == 404, path
