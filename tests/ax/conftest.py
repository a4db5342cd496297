"""Tests with Ax itself, in an environment of their own: `make test-ax`. Without Ax, they are not collected."""

from __future__ import annotations

import logging
from importlib.util import find_spec

# Ax brings BoTorch; as "ax", Python might find this folder.
collect_ignore_glob = [] if find_spec("botorch") else ["test_*.py"]

# Ax says much while its stubs are made.
logging.getLogger("ax").setLevel(logging.CRITICAL)
