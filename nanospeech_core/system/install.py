"""Which backend is installed, and what to type where something is not."""

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

BACKENDS = ("mlx", "torch")  # the first that is installed speaks
LEAST_MACOS = 14  # of MLX's wheels


def pip_install(extra: str) -> str:
    """What to type for one of this package's extras: it is on no index, where its name alone would do."""
    return f'pip install ".[{extra}]" in the folder of the nanospeech-mar repository'


def need(modules: Sequence[str], what: str, extra: str) -> None:
    """Raise UserError, which says what to type, where a module is not installed. None is imported.

    Args:
        modules: by the names that are imported.
        what: what needs them.
        extra: the one of this package's that brings them.
    """
    called = {"torch": "PyTorch"}
    missing = [called.get(name, name) for name in modules if not is_installed(name)]
    if missing:
        raise UserError(f"{what} needs {' and '.join(missing)}: {pip_install(extra)}")


def is_installed(module: str) -> bool:
    """Whether a backend of `BACKENDS`, or any module, is there, as far as can be told without importing it.

    On Linux the wheel `mlx` alone has no library: that comes with one of its extras.
    """
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        return False
    except ValueError:  # it is imported without a spec, or None stands in its place
        return sys.modules[module] is not None
    if spec is None or module != "mlx":
        return spec is not None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    return all(any(any(place.glob(part)) for place in places) for part in ("core.*.so", "lib/libmlx.*"))


def import_optional(module: str, package: str, purpose: str, command: str) -> ModuleType:
    """A module of an optional package.

    Args:
        module: its full name.
        package: what brings it.
        purpose: what needs it, for the message.
        command: what to type to have it.
    Raises:
        UserError: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:  # also where it is there and a package that it needs is not
        raise UserError(f"{purpose} needs {package} ({error}): {command}") from error


def mlx_advice(
    system: str | None = None,
    machine: str | None = None,
    macos: str | None = None,
    translated: Callable[[], bool] | None = None,
) -> str:
    """What to do on this machine to have MLX, in one sentence without an end. None: asked of the machine.

    Args:
        system: as `platform.system` tells it: Darwin, Linux.
        machine: as `platform.machine` tells it, of the Python that runs: arm64, x86_64.
        macos: the version of macOS.
        translated: whether Rosetta runs this Python; asked on a Mac only.
    """
    system = platform.system() if system is None else system
    machine = platform.machine() if machine is None else machine
    if system == "Linux":
        return f'{pip_install("cpu")}; with an NVIDIA GPU ".[cuda13]" or ".[cuda12]"'
    if system != "Darwin":
        return f"MLX is not made for {system or 'this system'}; PyTorch is: {pip_install('torch')}"
    if machine != "arm64":
        if (_is_translated if translated is None else translated)():
            return (
                f"this Python is made for Intel ({machine}) and runs under Rosetta: MLX needs an arm64 "
                f"Python, on macOS {LEAST_MACOS} or newer"
            )
        return "MLX needs Apple Silicon, and this Mac has an Intel processor"
    version = platform.mac_ver()[0] if macos is None else macos
    if version.partition(".")[0].isdecimal() and int(version.partition(".")[0]) < LEAST_MACOS:
        return f"MLX needs macOS {LEAST_MACOS} or newer, and this is {version}"
    return 'pip install "." in the folder of the nanospeech-mar repository'


def _is_translated() -> bool:
    """Whether this process is translated from Intel's instructions (macOS tells it as a sysctl)."""
    try:
        asked = ["sysctl", "-n", "sysctl.proc_translated"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() == "1"
