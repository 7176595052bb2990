"""What is installed: this package, what it needs, and what is optional."""

from __future__ import annotations

import importlib
import platform
import re
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..system.install import is_installed, mlx_advice, pip_install
from .finding import NOTE, OK, WRONG, Finding

PACKAGE = "nanospeech-mar"
# The packages that every machine needs, and the module of each.
REQUIRED = {
    "espeakng-loader": "espeakng_loader",
    "numpy": "numpy",
    "opencc": "opencc",
    "platformdirs": "platformdirs",
    "pypinyin": "pypinyin",
    "pyyaml": "yaml",
    "rjieba": "rjieba",
    "safetensors": "safetensors",
    "sounddevice": "sounddevice",
    "soundfile": "soundfile",
    "soxr": "soxr",
    "tqdm": "tqdm",
    "unicode-rbnf": "unicode_rbnf",
}
NOT_IMPORTED = ("sounddevice",)  # the check of the audio devices imports it: it needs PortAudio
# The extras of this package, and the modules that show that one is installed.
EXTRAS = {
    "torch": ("torch",),
    "hub": ("huggingface_hub",),
    "reference": ("av", "faster_whisper"),
    "evaluate": ("faster_whisper", "jiwer", "librosa", "onnxruntime", "requests", "scipy", "speechmos"),
    "chat": ("mlx_lm",),
    "serve": ("av", "prometheus_client", "python_multipart", "starlette", "uvicorn"),
    "book": ("av",),
    "wyoming": ("prometheus_client", "starlette", "wyoming"),
    "cluster": ("ray",),
    "train": ("torch", "accelerate", "faster_whisper", "fsspec", "jiwer", "matplotlib"),
}
VERSIONS = ("mlx", "mlx-metal", "mlx-cpu", "mlx-cuda-12", "mlx-cuda-13", "scipy-openblas32", "torch")


def check_package() -> Finding:
    """The versions of this package, of Python and of the system."""
    installed = version(PACKAGE)
    system = f"macOS {platform.mac_ver()[0]}" if sys.platform == "darwin" else platform.platform()
    frameworks = {name: found for name in VERSIONS if (found := version(name)) is not None}
    values = {
        "version": installed,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "architecture": platform.machine(),
        "system": system,
        "libc": " ".join(platform.libc_ver()).strip(),
        "folder": str(Path(__file__).parents[2]),
        "frameworks": frameworks,
    }
    shown = f"{PACKAGE} {installed}" if installed else f"{PACKAGE}, not installed but run in its folder"
    listed = "".join(f", {name} {found}" for name, found in frameworks.items())
    text = f"{shown}; Python {values['python']} ({values['architecture']}), {system}{listed}"
    if wrong := framework_faults(frameworks):
        install = mlx_advice() if any("mlx" in fault for fault in wrong) else pip_install("torch")
        advice = f"in a new virtual environment: {install}"
        return Finding(WRONG, f"{text}: {'; '.join(wrong)}", advice, values)
    if sys.platform == "darwin" and values["architecture"] != "arm64":
        return Finding(NOTE, text, mlx_advice(), values)
    return Finding(OK, text, "", values)


def framework_faults(installed: Mapping[str, str]) -> list[str]:
    """What is wrong with the versions of MLX and PyTorch; `VERSIONS` by name, as they are installed."""
    needed = requirements()
    faults = [
        f"{name} {installed[name]} is installed, {needed[name]} is needed"
        for name in ("mlx", "torch")
        if name in installed and name in needed and not fits(installed[name], needed[name])
    ]
    libraries = [name for name in installed if name.startswith("mlx-")]
    if len(libraries) > 1:
        faults.append(f"{' and '.join(libraries)} overwrite each other")
    for name in libraries:
        if "mlx" in installed and installed[name] != installed["mlx"]:
            faults.append(f"{name} {installed[name]} does not belong to mlx {installed['mlx']}")
    return faults


def check_dependencies() -> Finding:
    """Whether all packages that are always needed can be imported, in versions that are new enough."""
    needed = requirements()
    packages: dict[str, dict[str, Any]] = {}
    wrong, install = [], []
    for name, module in REQUIRED.items():
        packages[name] = {"version": version(name), "needed": needed.get(name, ""), "error": _import(module)}
        found, wanted = packages[name]["version"], packages[name]["needed"]
        if packages[name]["error"]:
            wrong.append(f"{name}: {packages[name]['error']}")
        elif found and not fits(found, wanted):
            wrong.append(f"{name} {found} is installed, {wanted} is needed")
        else:
            continue
        install.append(f'"{name}{wanted}"' if wanted else name)
    values = {"packages": packages, "libsndfile": _libsndfile()}
    if wrong:
        advice = f"pip install --force-reinstall {' '.join(install)}"
        return Finding(WRONG, "; ".join(wrong), advice, values)
    named = {"numpy": "", "soundfile": f" (libsndfile {values['libsndfile']})", "sounddevice": ""}
    shown = ", ".join(f"{name} {packages[name]['version']}{more}" for name, more in named.items())
    return Finding(OK, f"all {len(REQUIRED)} are there: {shown}", "", values)


def check_extras() -> Finding:
    """Which optional parts are installed."""
    missing = {
        extra: [module for module in modules if not is_installed(module)] for extra, modules in EXTRAS.items()
    }
    there = [extra for extra, modules in missing.items() if not modules]
    absent = [extra for extra, modules in missing.items() if modules]
    text = f"installed: {', '.join(there) or 'none'}; not installed: {', '.join(absent) or 'none'}"
    values = {
        extra: {
            "installed": not modules,
            "missing": modules,
            "install": pip_install(extra) if modules else "",
        }
        for extra, modules in missing.items()
    }
    if absent:
        text += f" (if you need one: {pip_install('NAME')})"
    return Finding(OK, text, "", values)


def version(name: str) -> str | None:
    """The installed version of a package; None: it is not installed, or does not say."""
    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, KeyError, ValueError):
        return None


def requirements() -> dict[str, str]:
    """The versions that this package needs of others, such as ">=1.26"; {} if it is not installed."""
    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        match = re.match(r"([\w.-]+)(?:\[.*?\])?\s*([<>=!~][^;\s]*)", line)
        if match and 'extra == "test"' not in line.replace("'", '"'):
            found.setdefault(match[1].lower(), match[2])
    return found


def fits(found: str, wanted: str) -> bool:
    """Whether a version satisfies ">=1.26,<3"; only >=, < and == are compared, and only their numbers."""
    for condition in filter(None, wanted.split(",")):
        sign, number = re.fullmatch(r"([<>=!~]+)(.*)", condition.strip(), re.DOTALL).groups()  # type: ignore[union-attr]
        have, want = _numbers(found), _numbers(number)
        width = max(len(have), len(want))
        have, want = (part + (0,) * (width - len(part)) for part in (have, want))
        failed = {">=": have < want, "<": have >= want, "==": have != want}
        if failed.get(sign, False):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", text.strip())
    return tuple(map(int, match[0].split("."))) if match else ()


def _import(module: str) -> str:
    """Why a module cannot be imported; "" if it can."""
    if module in NOT_IMPORTED:
        return "" if is_installed(module) else "not installed"
    try:
        importlib.import_module(module)
    except ImportError as error:
        return "not installed" if not is_installed(module) else " ".join(str(error).split())
    except Exception as error:  # a library in it is missing or broken
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def _libsndfile() -> str:
    try:
        import soundfile
    except (ImportError, OSError):
        return ""
    return soundfile.__libsndfile_version__
