"""A fast BLAS for MLX's CPU build on Linux. The wheel links the reference BLAS: speech is 14 times slower."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
import mmap
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# OpenBLAS's threads, if the user wants any, wait for a product by spinning for 2^26 cycles, 20 ms. That takes
# the CPU from the thread that would request it. After 2^14 cycles they sleep.
SPIN = {"OPENBLAS_THREAD_TIMEOUT": "14"}

PRODUCTS = "sgemm", "dgemm", "cgemm"  # the matrix products that MLX calls in a BLAS

# Tags of ELF's dynamic section and types of relocations (System V gABI, chapter 5; psABI of both processors).
_PLTRELSZ, _STRTAB, _SYMTAB, _JMPREL = 2, 5, 6, 23
_JUMP_SLOT = {"x86_64": 7, "aarch64": 1026}
_RTLD_DI_LINKMAP, _READ_AND_WRITE = 2, 3


class Candidate(NamedTuple):
    """A library that can compute MLX's products."""

    path: str
    function: str  # the function's name in the library; {} stands for one of `PRODUCTS`
    replaced: str = "cblas_{}"  # the function that it replaces
    caller: str = "libmlx.so"  # the library that calls it


class _Dyn(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_int64), ("value", ctypes.c_uint64)]


class _LinkMap(ctypes.Structure):  # <link.h>
    pass


_LinkMap._fields_ = [
    ("base", ctypes.c_uint64),
    ("path", ctypes.c_char_p),
    ("dynamic", ctypes.POINTER(_Dyn)),
    ("next", ctypes.POINTER(_LinkMap)),
]


class _Rela(ctypes.Structure):
    _fields_ = [("offset", ctypes.c_uint64), ("info", ctypes.c_uint64), ("addend", ctypes.c_int64)]


class _Sym(ctypes.Structure):
    _fields_ = [("name", ctypes.c_uint32), ("rest", ctypes.c_uint8 * 20)]


@functools.cache
def use_fast_blas() -> str | None:
    """Make MLX use a fast library for its float32 matrix products, and return the path of that library.

    A library calls functions of other libraries through a table of addresses, its jump slots. The slots of
    the products are set to functions of the first of `candidates` that loads. Nothing else in the process
    uses that library. It computes in one thread unless OPENBLAS_NUM_THREADS is set: such small products are
    no faster in two threads, and much slower if the other core is busy.

    Does nothing and returns None on systems other than Linux, if MLX computes on a GPU, and if the
    environment has NANOSPEECH_BLAS=0. Warns if there is no candidate.

    Raises ImportError if MLX is not installed.
    """
    if sys.platform != "linux" or os.environ.get("NANOSPEECH_BLAS") == "0":
        return None
    import mlx.core as mx

    if mx.default_device() == mx.gpu:
        return None
    mlx = ctypes.CDLL(_in_package("mlx", "lib/libmlx.so")[0])
    for candidate in candidates():
        try:
            library = _load(candidate.path)
            functions = {
                candidate.replaced.format(product): getattr(library, candidate.function.format(product))
                for product in PRODUCTS
            }
        except (OSError, AttributeError):  # broken, or built for a GPU whose libraries are missing
            continue
        if redirect(mlx, candidate.caller, functions):
            _one_thread(library)
            return candidate.path
    warnings.warn(
        "MLX has no fast BLAS here, so speech takes about 14 times as long: pip install scipy-openblas32",
        stacklevel=2,
    )
    return None


def candidates() -> Iterator[Candidate]:
    """Libraries to try, the best first. The search for each starts only when it is requested."""
    for path in _in_package("scipy_openblas32", "lib/libscipy_openblas*.so"):
        yield Candidate(path, "scipy_cblas_{}")
    system = ctypes.util.find_library("openblas")  # runs the linker: 0.1 s
    if system:
        yield Candidate(system, "cblas_{}")
    for path in _in_package("torch", "lib/libtorch_cpu.so"):  # MKL, by its Fortran names
        yield Candidate(path, "{}_", "{}_", "libblas")


def redirect(library: ctypes.CDLL, caller: str, functions: Mapping[str, Any]) -> bool:
    """Set jump slots to other functions, and return whether there was such a slot.

    Args:
        library: where the search begins; libraries are searched in the order in which they were loaded.
        caller: the beginning of the name of the library that has the slots.
        functions: the new functions, by the name of the symbol that is called.
    """
    system, slot_type = ctypes.CDLL(None), _JUMP_SLOT.get(platform.machine())
    link = ctypes.POINTER(_LinkMap)()
    if slot_type is None or system.dlinfo(
        ctypes.c_void_p(library._handle), _RTLD_DI_LINKMAP, ctypes.byref(link)
    ):
        return False
    redirected = False
    while link:
        if Path(os.fsdecode(link.contents.path or b"")).name.startswith(caller):
            for symbol, slot in _jump_slots(link.contents, slot_type):
                if symbol in functions:
                    page = slot & -mmap.PAGESIZE  # read-only where the library was bound at once
                    system.mprotect(ctypes.c_void_p(page), mmap.PAGESIZE, _READ_AND_WRITE)
                    address = ctypes.cast(functions[symbol], ctypes.c_void_p)
                    ctypes.c_void_p.from_address(slot).value = address.value
                    redirected = True
            return redirected
        link = link.contents.next
    return False


def _jump_slots(link: _LinkMap, slot_type: int) -> Iterator[tuple[str, int]]:
    """The symbols that a library calls in other libraries, and the addresses of their jump slots."""
    tags, entry = {}, 0
    while link.dynamic[entry].tag:
        tags[link.dynamic[entry].tag] = link.dynamic[entry].value
        entry += 1
    if not {_PLTRELSZ, _STRTAB, _SYMTAB, _JMPREL} <= tags.keys():
        return
    for i in range(tags[_PLTRELSZ] // ctypes.sizeof(_Rela)):
        slot = _Rela.from_address(tags[_JMPREL] + i * ctypes.sizeof(_Rela))
        if slot.info & 0xFFFFFFFF == slot_type:
            symbol = _Sym.from_address(tags[_SYMTAB] + (slot.info >> 32) * ctypes.sizeof(_Sym))
            yield ctypes.string_at(tags[_STRTAB] + symbol.name).decode(), link.base + slot.offset


def _load(path: str) -> ctypes.CDLL:
    """Load a library with the settings of `SPIN`, unless the environment has its own; it keeps them."""
    added = {name: value for name, value in SPIN.items() if name not in os.environ}
    os.environ.update(added)
    try:
        return ctypes.CDLL(path)
    finally:
        for name in added:
            del os.environ[name]


def _one_thread(library: ctypes.CDLL) -> None:
    """Make OpenBLAS compute in the thread that calls it, unless the environment says otherwise."""
    for name in ("scipy_openblas_set_num_threads", "openblas_set_num_threads"):
        if "OPENBLAS_NUM_THREADS" not in os.environ and hasattr(library, name):
            getattr(library, name)(1)


def _in_package(package: str, pattern: str) -> list[str]:
    """Files of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    return [str(path) for folder in folders or () for path in sorted(Path(folder).glob(pattern))]
