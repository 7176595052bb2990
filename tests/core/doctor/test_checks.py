"""The table of checks."""

import importlib
import subprocess
import sys

import commands
import pytest
from backends import NAMES, Backend

from nanospeech_core.doctor import checks, networks
from nanospeech_core.system.install import BACKENDS


@pytest.mark.parametrize("name", NAMES)
def test_every_check_of_the_table_can_be_run(name):
    Backend(name)
    table = checks.checks_for(name)
    names = [check.name for check in table]
    assert len(set(names)) == len(names)
    for check in table:
        module, _, function = check.function.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert check.advice and check.limit > 0
        assert not check.needs or check.needs in names[: names.index(check.name)]


def test_every_backend_and_every_precision_has_its_words():
    assert set(checks.PRECISIONS) == set(checks.TITLES) == set(BACKENDS)
    assert {precision for some in checks.PRECISIONS.values() for precision in some} == set(networks.BOUNDS)


def test_the_command_imports_the_standard_library_only():
    """Any other package may be what is broken."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import nanospeech_core.cli.doctor\n"
        "import nanospeech_mlx.doctor.__main__, nanospeech_torch.doctor.__main__\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print(sorted(name for name in new if not name.startswith('nanospeech_')))"
    )
    line = [sys.executable, "-S", "-c", code]
    done = subprocess.run(line, cwd=commands.ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
