"""The commands about pages: report and serve."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

import docstore
from docstore.json_store.files import read
from docstore.testing.experiments import new_experiment

pytestmark = pytest.mark.usefixtures("lab")


class TestReport:
    def test_is_a_file_named_after_the_experiment(self, docstore_cli):
        code, out, err = docstore_cli("report cakes")

        text = Path("cakes.html").read_text()
        assert (code, out) == (0, "")
        assert re.fullmatch(r"wrote cakes\.html, [\d,]+ bytes\n", err)
        assert "<h1>cakes</h1>" in text
        assert 'id="document"' in text

    def test_is_written_where_one_says(self, docstore_cli):
        docstore_cli("report cakes --no-json -o reports/today.html")

        assert 'id="document"' not in Path("reports/today.html").read_text()

    def test_may_be_written_at_a_url(self, docstore_cli):
        assert docstore_cli("report cakes -o memory://today.html").err.startswith("wrote memory://today.html, ")
        assert b"<h1>cakes</h1>" in read("memory://today.html")

    def test_is_about_the_version_that_is_asked_for(self, docstore_cli):
        docstore_cli("report cakes -r published")

        assert "<dt>Version</dt><dd>2</dd>" in Path("cakes.html").read_text()

    def test_of_no_experiment_writes_nothing(self, docstore_cli):
        ended = docstore_cli("report cake")

        assert (ended.code, ended.out) == (3, "")
        assert "'cakes'" in ended.err
        assert list(Path().glob("*.html")) == []

    @pytest.mark.parametrize(
        ("name", "file"), [("../up", "_up.html"), ("a/b: c", "a_b_ c.html"), ("...", "report.html"), ("ü", "ü.html")]
    )
    def test_stays_in_this_folder_whatever_the_name(self, docstore_cli, lab, name, file):
        with docstore.connect(lab) as store:
            store.save(new_experiment(name))

        docstore_cli("report", name)

        assert [each.name for each in Path().glob("*.html")] == [file]


class TestServe:
    def test_prints_the_address_and_ends_by_ctrl_c(self, lab):
        command = [sys.executable, "-m", "docstore", "serve", "--port", "0", "--write"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as process:
            try:
                address = re.search(r"http://\S+", process.stdout.readline())[0]
                token = re.search(r"http://\S+sign-in\?token=\S+", process.stdout.readline())[0]
                page = urlopen(address).read().decode()
            finally:
                process.send_signal(signal.SIGINT)
                code = process.wait(20)
            said = process.stderr.read()

        assert "cakes" in page
        assert token.startswith(address)
        assert (code, said) == (0, "the server has ended\n")

    def test_takes_no_token_without_write(self, docstore_cli):
        ended = docstore_cli("serve --port 0 --token 0123456789abcdef")

        assert ended.code == 2
        assert "--write" in ended.err
        assert "0123456789abcdef" not in ended.err
