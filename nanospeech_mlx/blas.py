"""A fast BLAS for MLX's Linux CPU build, whose wheel links the reference one: 30 times slower in float32."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def lend_blas() -> str | None:
    """Make a fast BLAS on this machine the one that MLX will find, and return its library's name.

    The symbols of a library loaded globally come before those of libraries loaded later, so this must be
    called before the first import of `mlx.core`. Candidates are the library inside an installed PyTorch, not
    imported for it, and a system OpenBLAS. Nothing is done, and None returned, on another system than Linux,
    after mlx.core is imported, without a candidate, and where NANOSPEECH_BLAS=0 is in the environment.

    """
    if sys.platform != "linux" or os.environ.get("NANOSPEECH_BLAS") == "0" or "mlx.core" in sys.modules:
        return None
    for name in candidates():
        shield("ctranslate2")
        try:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:  # built for a GPU whose libraries are absent, or broken: as if it were not there
            continue
        return name
    return None


def shield(package: str) -> None:
    """Load the libraries of a package, where it is installed, so that their own symbols come first.

    PyTorch's MKL would mix into the one inside CTranslate2, should that be imported later: faster-whisper, in
    the same process, would hear garbage.
    """
    spec = importlib.util.find_spec(package) if hasattr(os, "RTLD_DEEPBIND") else None
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():  # where auditwheel puts what a wheel brings
        for path in sorted(Path(folder).parent.glob(f"{package}.libs/lib{package}*")):
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(path), mode=os.RTLD_DEEPBIND)


def candidates() -> Iterator[str]:
    """Libraries that export the Fortran BLAS, the best first; one is looked for when it is asked for."""
    spec = importlib.util.find_spec("torch")
    folders = spec.submodule_search_locations if spec is not None else None
    paths = [Path(folder, "lib", "libtorch_cpu.so") for folder in folders or ()]
    yield from (str(path) for path in paths if path.is_file())
    system = ctypes.util.find_library("openblas")  # this runs the linker, which takes a tenth of a second
    if system:
        yield system
