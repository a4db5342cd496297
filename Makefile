# Each target makes .venv and installs the package first, if that was not done; all may be run again at any time.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python of at least 3.11 that can make virtual environments. The system's comes first: every user may run it.
PYTHON ?= $(shell for python in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
RUN := .venv/bin/python
# The databases of the tests are thrown away: they are made in memory, where there are 4 GB of it and programs may be run.
IN_MEMORY := $(shell case "$$(findmnt --noheadings --output OPTIONS /dev/shm 2>/dev/null)" in \
	(*noexec*) ;; (rw*) test "$$(df --output=avail /dev/shm | tail -1)" -gt 4000000 && echo TMPDIR=/dev/shm ;; esac)
# Each process has database servers of its own, and takes tests from another that has more of them left. Bytecode is
# written whatever the environment says: tests start hundreds of interpreters, and pytest compiles each test file.
TESTS := env -u PYTHONDONTWRITEBYTECODE $(IN_MEMORY) $(RUN) -m pytest --numprocesses=auto --dist=worksteal
# Strict: each warning is an error, and all of them are shown. Of pages that it has read before, Sphinx would warn no more.
DOCS := $(RUN) -m sphinx --quiet --fresh-env --nitpicky --fail-on-warning --keep-going --builder html docs docs/_build

# The wheels of PyTorch, which Ax brings, are for some versions of Python only.
PYTHON_OF_AX ?= $(shell command -v python3.11 || echo "$(PYTHON)")

.PHONY: help demo test test-ax quick services check docs fuzz coverage bench bench-ax bench-peers bench-web picture clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */make \1\t/' | expand -t 18

demo: .venv/installed ## Tune zlib on the standard library's sources, each trial saved, then look at what was stored
	@$(RUN) examples/quickstart.py

test: .venv/installed ## Run every test, on each of the machine's cores
	$(TESTS)

test-ax: .venv-ax/cli ## Run the tests with Ax itself and those of PyTorch, installed in .venv-ax
	env -u PYTHONDONTWRITEBYTECODE $(IN_MEMORY) .venv-ax/bin/python -m pytest -W ignore --numprocesses=auto --dist=worksteal tests/ax tests/codec/test_torch.py

quick: .venv/installed ## Run the tests that need no database and no other process, but for those of hostile documents
	$(TESTS) --quick --hypothesis-profile=quick --ignore-glob='*/test_hostile_*'

services: ## Install what pip does not bring, from Debian's packages: MariaDB, the shells of the databases, a browser, zsh and fish
	@lacks() { ! PATH="$$PATH:/usr/sbin" command -v "$$1" >/dev/null; }; \
	if test -z "$$DOCSTORE_TEST_MYSQL" && lacks mariadbd; then set -- mariadb-server; fi; \
	lacks mariadb && set -- "$$@" mariadb-client; \
	lacks psql && set -- "$$@" postgresql-client; \
	lacks sqlite3 && set -- "$$@" sqlite3; \
	lacks chromium && set -- "$$@" chromium; \
	lacks zsh && set -- "$$@" zsh; \
	lacks fish && set -- "$$@" fish; \
	test $$# = 0 && exit; \
	test "$$(id -u)" = 0 || sudo=sudo; \
	$$sudo apt-get update --quiet=2 && \
	$$sudo env DEBIAN_FRONTEND=noninteractive \
	apt-get install --quiet=2 --option=Dpkg::Use-Pty=0 --no-install-recommends "$$@"

check: .venv/installed ## Lint, formatting, types, the documentation and every test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy --strict docstore examples tests/faces/typed_client.py
	$(RUN) -m pyright
	$(RUN) .venv/bin/lint-imports
	$(DOCS)
	$(TESTS)

docs: .venv/installed ## Build the documentation, docs/_build/index.html; a broken link or an unknown name fails
	$(DOCS)

fuzz: .venv/installed ## Random search, MINUTES=20 for each property (ONLY=tests/codec/test_exactness.py for some of them)
	DOCSTORE_FUZZ_MINUTES=$(or $(MINUTES),20) $(IN_MEMORY) $(RUN) -m pytest -m fuzz -rP --hypothesis-profile=nightly --timeout=0 -o faulthandler_timeout=0 $(or $(ONLY),tests)

coverage: .venv/installed ## Measure which statements and branches of each package the tests on SQLite reach (MISSING=1 lists the others)
	@folder=$$(mktemp -d) && export COVERAGE_FILE=$$folder/coverage DOCSTORE_TEST_BACKENDS=sqlite && \
	$(IN_MEMORY) $(RUN) -m coverage run -m pytest --numprocesses=auto --dist=worksteal --timeout=900 $(or $(ONLY),tests); \
	failed=$$?; $(RUN) -m coverage combine --quiet && \
	$(RUN) tests/bench/coverage_of_packages.py $(if $(MISSING),--missing); rm -rf $$folder; exit $$failed

bench: .venv/bench ## Time each operation beside its floor, and say which goals are met (LARGE=1: 100,000 trials, and memory; WRITE=1: into docs)
	$(RUN) tests/bench/bench.py $(if $(LARGE),--large) $(if $(WRITE),--write)

bench-ax: .venv-ax/installed ## Time docstore beside Ax's own store, with Ax's own objects, and say which goals are met (WRITE=1: into docs)
	.venv-ax/bin/python tests/bench/bench_ax.py $(if $(WRITE),--write)

bench-peers: .venv-peers/installed ## Time docstore beside Ax, Optuna, MLflow, ZODB and others (WRITE=1: into docs)
	.venv-peers/bin/python tests/bench/peers/bench_peers.py $(if $(WRITE),--write)

bench-web: .venv/installed ## Time each page of docstore.web at 100,000 experiments and 10,000 trials
	@folder=$$(mktemp -d) && $(RUN) tests/support/large_lab.py $$folder/large.db && $(RUN) tests/support/web_times.py $$folder/large.db; \
	failed=$$?; rm -rf $$folder; exit $$failed

picture: .venv/installed ## Make the pictures in the documentation again: those of plots, of pages, and that of Datasette
	$(RUN) tests/support/plot_pictures.py
	$(RUN) tests/support/web_pictures.py
	$(RUN) tests/support/picture.py

clean: ## Remove .venv and what the tools left
	rm -rf .venv .venv-ax .venv-peers .pytest_cache .mypy_cache .ruff_cache .hypothesis docs/_build

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "docstore needs Python 3.11 or later with venv; name one: make PYTHON=..." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) and installing docstore into it ..."
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv/installed

.venv/bench: .venv/installed
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch .venv/bench

.venv-ax/installed: pyproject.toml tests/ax/requirements.txt
	@test -n "$(PYTHON_OF_AX)" || { echo "docstore needs Python 3.11 or later with venv; name one: make PYTHON=..." >&2; exit 1; }
	@echo "Making .venv-ax with $(PYTHON_OF_AX) and installing docstore and Ax into it ..."
	@rm -rf .venv-ax
	@"$(PYTHON_OF_AX)" -m venv .venv-ax
	@.venv-ax/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ax,testing]' -r tests/ax/requirements.txt
	@touch .venv-ax/installed

# Apart, as it is small: an environment with Ax that is there already is not made anew for it.
.venv-ax/cli: .venv-ax/installed
	@.venv-ax/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[cli]'
	@touch .venv-ax/cli

# Ax brings PyTorch: some gigabytes, and several minutes.
.venv-peers/installed: pyproject.toml tests/bench/peers/requirements.txt
	@test -n "$(PYTHON)" || { echo "docstore needs Python 3.11 or later with venv; name one: make PYTHON=..." >&2; exit 1; }
	@echo "Making .venv-peers with $(PYTHON) and installing what docstore is compared with into it ..."
	@rm -rf .venv-peers
	@"$(PYTHON)" -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --editable . -r tests/bench/peers/requirements.txt
	@touch .venv-peers/installed
