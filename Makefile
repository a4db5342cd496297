# Each target makes .venv and installs the package first, if that was not done; all may be run again at any time.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python of at least 3.11 that can make virtual environments. The system's comes first: every user may run it.
PYTHON ?= $(shell for python in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
RUN := .venv/bin/python

.PHONY: help demo test services check fuzz bench clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */make \1\t/' | expand -t 14

demo: .venv/installed ## Tune zlib on the standard library's sources, each trial saved, then look at what was stored
	@$(RUN) examples/quickstart.py

test: .venv/installed ## Run every test
	$(RUN) -m pytest

services: ## Install the server that pip does not bring, MariaDB, from Debian's packages; tests start one of their own
	@test -n "$$DOCSTORE_TEST_MYSQL" || PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null || { \
	test "$$(id -u)" = 0 || sudo=sudo; \
	$$sudo apt-get update && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends mariadb-server; }

check: .venv/installed ## Lint, formatting, types and every test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy --strict docstore
	$(RUN) -m pytest

fuzz: .venv/installed ## Look for a value that does not come back as it went in, for as long as you like
	$(RUN) -m pytest tests/test_exactness.py --hypothesis-profile=fuzz

bench: .venv/installed ## Compare with the bare driver: ratios of one run on this machine
	$(RUN) tests/bench/bench_store.py
	$(RUN) tests/bench/bench_races.py

clean: ## Remove .venv and what the tools left
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "docstore needs Python 3.11 or later with venv; name one: make PYTHON=..." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) and installing docstore into it ..."
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv/installed
