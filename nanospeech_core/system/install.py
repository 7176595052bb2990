"""Which packages are installed, and how to install those that are missing."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from ..errors import UserError

BACKENDS = ("mlx", "torch")  # the first installed one is the default
MIN_MACOS = 14  # of MLX's wheels


MAC = f"an arm64 Python, on macOS {MIN_MACOS} or newer"  # PyTorch too has no wheels for Intel Macs


def pip_install(extra: str, system: str | None = None, machine: str | None = None) -> str:
    """The command that installs an extra of this package, which is on no index.

    On a Mac, a Python for Intel cannot install most of them, which the text says.

    system, machine: as in `mlx_advice`.
    """
    command = f'pip install ".[{extra}]" in the folder of the nanospeech-mar repository'
    system = platform.system() if system is None else system
    machine = platform.machine() if machine is None else machine
    return f"{command} (this needs {MAC})" if (system, machine) == ("Darwin", "x86_64") else command


def need(modules: Sequence[str], what: str, extra: str) -> None:
    """Raise UserError, with the command that installs them, if modules are missing. Imports none.

    Args:
        modules: the names of the modules.
        what: what needs them, for the message.
        extra: the extra of this package that installs them.
    """
    titles = {"torch": "PyTorch"}
    missing = [titles.get(name, name) for name in modules if not is_installed(name)]
    if missing:
        raise UserError(f"{what} needs {' and '.join(missing)}: {pip_install(extra)}")


def is_installed(module: str) -> bool:
    """Whether a module, or a backend of `BACKENDS`, is installed; found out without importing it.

    On Linux the wheel `mlx` alone has no library, which one of its extras installs.
    """
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        return False
    except ValueError:  # it was imported without a spec, or sys.modules has None
        return sys.modules[module] is not None
    if spec is None or module != "mlx":
        return spec is not None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    return all(any(any(place.glob(part)) for place in places) for part in ("core.*.so", "lib/libmlx.*"))


def import_optional(module: str, package: str, purpose: str, command: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: its full name.
        package: the package that it belongs to.
        purpose: what needs it, for the message.
        command: the command that installs it.
    Raises:
        UserError: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:  # or a package that it needs is missing
        raise UserError(f"{purpose} needs {package} ({error}): {command}") from error


def mlx_advice(
    system: str | None = None,
    machine: str | None = None,
    macos: str | None = None,
    translated: Callable[[], bool] | None = None,
) -> str:
    """How to get MLX on this machine: a sentence without a full stop.

    Args:
        system: as in `platform.system`: Darwin, Linux. None, here and below: this machine's.
        machine: as in `platform.machine`, of the running Python: arm64, x86_64.
        macos: the version of macOS.
        translated: whether Rosetta runs this Python; called on a Mac only.
    """
    system = platform.system() if system is None else system
    machine = platform.machine() if machine is None else machine
    if system == "Linux":
        return f'{pip_install("cpu", system, machine)}; with an NVIDIA GPU ".[cuda13]" or ".[cuda12]"'
    if system != "Darwin":
        torch = pip_install("torch", system)
        return f"MLX does not support {system or 'this system'}, but PyTorch does: {torch}"
    if machine != "arm64":
        if (_is_translated if translated is None else translated)():
            return f"this Python is built for Intel ({machine}) and runs under Rosetta: MLX needs {MAC}"
        return "MLX needs Apple Silicon, and this Mac has an Intel processor"
    version = platform.mac_ver()[0] if macos is None else macos
    if version.partition(".")[0].isdecimal() and int(version.partition(".")[0]) < MIN_MACOS:
        return f"MLX needs macOS {MIN_MACOS} or newer, and this is {version}"
    return 'pip install "." in the folder of the nanospeech-mar repository'


def _is_translated() -> bool:
    """Whether Rosetta translates this process from Intel's instructions, by a sysctl of macOS."""
    try:
        asked = ["sysctl", "-n", "sysctl.proc_translated"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() == "1"
