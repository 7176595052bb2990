"""Read the files of `torch.save` without PyTorch: dicts of tensors only.

The format is PyTorch's since 1.6: a zip archive with a pickle and one member per storage. A pickle can call
any function. Here, as with `torch.load(weights_only=True)`, the few names that build tensors map to functions
of this module, and any other name is refused.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..errors import UserError
from .tensors import DTYPES

STORAGES = {
    "torch.DoubleStorage": "F64",
    "torch.FloatStorage": "F32",
    "torch.HalfStorage": "F16",
    "torch.BFloat16Storage": "BF16",
    "torch.LongStorage": "I64",
    "torch.IntStorage": "I32",
    "torch.ShortStorage": "I16",
    "torch.CharStorage": "I8",
    "torch.ByteStorage": "U8",
    "torch.BoolStorage": "BOOL",
}


def load_torch_file(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read a state dict: tensors by name, bfloat16 as `tensors.BFLOAT16`.

    Raises:
        UserError: the file is missing, damaged, older than PyTorch 1.6, or contains other than named tensors.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            tensors = _Reader(archive).load()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except _Refused as error:
        raise UserError(f"cannot read {path}: it contains {error}, which is not a tensor") from error
    except Exception as error:  # damaged bytes make zipfile and pickle fail in many ways
        raise UserError(
            f"{path} is not a complete file of torch.save: {error or type(error).__name__}"
        ) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, np.ndarray) for name, value in tensors.items()
    ):
        raise UserError(f"{path} contains no dict of tensors")
    return dict(tensors)


MAX_PICKLE = 16_000_000  # bytes, of 100,000 tensors


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Raise ValueError for a zip bomb: torch.save neither compresses members nor lets two share bytes."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it is compressed")
    if sum(member.file_size for member in members) > os.path.getsize(archive.filename or ""):
        raise ValueError("its members are larger than the file")
    if any(member.file_size > MAX_PICKLE for member in members if member.filename.endswith("/data.pkl")):
        raise ValueError(f"its pickle has more than {MAX_PICKLE:,} bytes")


def check_pickle(data: bytes) -> None:
    """Raise ValueError for a pickle that would take much more memory than its own size.

    A memo is a list: its index is also its length. A bytearray is created in the size that is stated.
    """
    for opcode, argument, _ in pickletools.genops(data):
        far = isinstance(argument, int) and argument > len(data)
        if opcode.name == "BYTEARRAY8" or opcode.name in ("PUT", "LONG_BINPUT") and far:
            raise ValueError(f"its pickle has {opcode.name} {argument!r:.20}")


class _Refused(pickle.UnpicklingError):
    """The pickle names something that is not allowed."""


class _Reader(pickle.Unpickler):
    """Runs the pickle of an archive. The pickle can only call what `find_class` returns."""

    def __init__(self, archive: zipfile.ZipFile):
        names = archive.namelist()
        (pickled,) = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
        check_sizes(archive)
        data = archive.read(pickled)
        check_pickle(data)
        super().__init__(io.BytesIO(data))
        self.archive, self.root = archive, pickled.removesuffix("data.pkl")
        self.storages: dict[str, np.ndarray] = {}
        if f"{self.root}byteorder" in names and archive.read(f"{self.root}byteorder") != b"little":
            raise ValueError("it was written on a big-endian machine")

    def find_class(self, module: str, name: str) -> object:
        full = f"{module}.{name}"
        if full == "collections.OrderedDict":
            return OrderedDict
        if full == "torch._utils._rebuild_tensor_v2":
            return self.tensor
        if full == "torch._utils._rebuild_parameter":
            return self.parameter
        if full in STORAGES:
            return STORAGES[full]
        raise _Refused(full)

    def persistent_load(self, identifier: tuple) -> np.ndarray:
        """A storage as a one-dimensional array; read once, even if several tensors share it."""
        kind, dtype, key, _, count = identifier
        if kind != "storage" or not isinstance(key, str):
            raise ValueError("it has a persistent id that is not a storage")
        if key not in self.storages:
            member = self.archive.getinfo(f"{self.root}data/{key}")
            if member.file_size != count * DTYPES[dtype].itemsize:
                raise ValueError(f"the storage {key} does not have the size that the file states")
            self.storages[key] = np.frombuffer(bytearray(self.archive.read(member)), DTYPES[dtype])
        return self.storages[key]

    def tensor(self, storage: np.ndarray, offset: int, size: tuple, stride: tuple, *_: object) -> np.ndarray:
        """torch._utils._rebuild_tensor_v2: a view of a storage, checked to lie inside it."""
        if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
            raise ValueError("a tensor has an invalid shape")
        count = math.prod(size)
        if count == 0:
            return np.zeros(size, storage.dtype)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if max(last, count - 1) >= len(storage):  # an expanded tensor could claim any size
            raise ValueError("a tensor reaches past the end of its storage")
        steps = [step * storage.itemsize for step in stride]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(storage[offset:], size, steps)).reshape(
            size
        )

    def parameter(self, data: np.ndarray, *_: object) -> np.ndarray:
        return data
