"""Where Optuna is not installed, docstore.optuna says which extra has it."""

from __future__ import annotations

import subprocess
import sys


def test_the_import_names_the_extra():
    program = (
        "import sys; sys.modules['optuna'] = None\n"
        "from docstore.errors import MissingDependencyError\n"
        "try: import docstore.optuna\n"
        "except MissingDependencyError as error: print(error)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip().endswith("pip install 'docstore[optuna]'")
