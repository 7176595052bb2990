"""Safetensors files, read and written with numpy only, and the layouts of their tensors.

The two backends store the same tensors under the same names. Only the axes of Conv1d weights differ: torch
has `[out, in / groups, kernel]`, MLX `[out, kernel, in / groups]`. A file names its layout by `format` in its
header's metadata, "pt" or "mlx". A file without one (the original Nanospeech, Vocos and MAR files) is "pt".
The layout is never guessed from shapes.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..system.files import replacing

FORMATS = ("pt", "mlx")

# Buffers in original checkpoints that are computed here: they may be in a file and are not loaded.
IGNORED = ("*head.istft.window", "*mel_spec.*")

# numpy has no bfloat16. This dtype carries its bits through reshaping and axis swaps; arithmetic raises.
BFLOAT16 = np.dtype([("bfloat16", "<u2")])
DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": BFLOAT16,
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
FLOATING = tuple(DTYPES[name] for name in ("F64", "F32", "F16", "BF16"))


MAX_HEADER = 16_000_000  # bytes, of 100,000 tensors; JSON takes ten times its size in memory


def load_tensors(
    path: str | os.PathLike, widen: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file.

    Args:
        path: the file.
        widen: convert bfloat16 to float32, which is exact; else such arrays have the dtype `BFLOAT16`.
    Returns:
        the tensors by name, in the order of their data, as views of a memory map; and the metadata.
    Raises:
        UserError: the file is missing, unreadable, truncated or not a safetensors file, or its header has
            more than `MAX_HEADER` bytes.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with open(path, "rb") as start:
            size = int.from_bytes(start.read(8), "little")
        if MAX_HEADER < size < os.path.getsize(path):  # a larger one is refused below
            raise ValueError(f"its header has {size:,} bytes; at most {MAX_HEADER:,} are read")
        with safe_open(path, framework="numpy") as file:  # checks the header, the offsets and the length
            file.keys()
        # Copy on write: writing to the arrays does not change the file. This package replaces files by
        # renaming, which leaves the mapped old file intact.
        data = np.memmap(path, np.uint8, "c")
        begin = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:begin].tobytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{path} is not a complete safetensors file: {error}") from error
    metadata = header.pop("__metadata__", None) or {}
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if entry["dtype"] not in DTYPES:
            raise UserError(f"{path}: {name} has the dtype {entry['dtype']}, which is not supported")
        dtype = DTYPES[entry["dtype"]]
        start, end = (begin + offset for offset in entry["data_offsets"])
        array = np.asarray(data)[start:end].view(dtype).reshape(entry["shape"])
        tensors[name] = (
            cast(array, DTYPES["F32"]) if widen and dtype == BFLOAT16 else np.require(array, None, "A")
        )
    return tensors, metadata


def save_tensors(
    path: str | os.PathLike, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file atomically, tensors and metadata in the order given.

    The `safetensors` library sorts tensors and shuffles metadata. Here both keep their order, so that a
    conversion there and back gives the same bytes. All else is as the library does it: compact JSON, padded
    with spaces to 8 bytes.

    Raises:
        UserError: the file cannot be written. An existing file is left unchanged.
    """
    header: dict = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": DTYPE_NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())


def cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Cast a floating-point array, rounding to nearest even. Either dtype may be `BFLOAT16`."""
    if array.dtype == dtype:
        return array
    if array.dtype == BFLOAT16:
        bits = np.ascontiguousarray(array).view("<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(array.shape).astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        if dtype != BFLOAT16:
            return array.astype(dtype)
        bits = np.ascontiguousarray(array, "<f4").view("<u4")
    rounded = (bits + (0x7FFF + (bits >> 16 & 1))) >> 16
    quiet_nan = bits >> 16 | 0x40  # rounding could carry a NaN's payload into infinity
    is_nan = (bits & 0x7FFFFFFF) > 0x7F800000
    return np.where(is_nan, quiet_nan, rounded).astype("<u2").view(BFLOAT16).reshape(array.shape)


def is_conv_weight(name: str, array: np.ndarray) -> bool:
    """Whether a tensor is a Conv1d weight. `grn.gamma` has three axes too, but is not named `.weight`."""
    return array.ndim == 3 and name.endswith(".weight")


def swap_conv_axes(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Swap axes 1 and 2 of every Conv1d weight: converts torch's layout to MLX's, and MLX's to torch's."""
    return {
        name: np.ascontiguousarray(array.swapaxes(1, 2)) if is_conv_weight(name, array) else array
        for name, array in tensors.items()
    }


def convert_layout(tensors: Mapping[str, np.ndarray], have: str, want: str) -> dict[str, np.ndarray]:
    """Convert tensors from the layout `have` to the layout `want` (each "pt" or "mlx")."""
    return dict(tensors) if have == want else swap_conv_axes(tensors)


def file_format(metadata: Mapping[str, str], path: str | os.PathLike) -> str:
    """The layout that a file's metadata names, "pt" or "mlx"; "pt" if it names none."""
    name = metadata.get("format", "pt")
    if name not in FORMATS:
        raise UserError(f"{path}: the format must be one of {', '.join(FORMATS)}, not {name!r}")
    return name


def check_tensors(
    tensors: Mapping[str, np.ndarray], expected: Mapping[str, Sequence[int]], path: str | os.PathLike
) -> dict[str, np.ndarray]:
    """Check that a file has exactly the expected tensors.

    Args:
        tensors: the tensors of the file.
        expected: the shape of every parameter, by name.
        path: the file, for the message.
    Returns:
        the expected tensors, in the expected order.
    Raises:
        UserError: a tensor is missing, unexpected (and not `IGNORED`) or has a wrong shape. The message names
            the first few.
    """
    missing = [name for name in expected if name not in tensors]
    extra = [name for name in tensors if name not in expected and not any(fnmatch(name, p) for p in IGNORED)]
    misshaped = [
        f"{name} (is {list(tensors[name].shape)}, should be {list(shape)})"
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    problems = []
    for kind, names in (("missing", missing), ("unexpected", extra), ("of the wrong shape", misshaped)):
        if names:
            more = ", ..." if len(names) > 3 else ""
            problems.append(f"{len(names)} {kind}: {', '.join(names[:3])}{more}")
    if problems:
        raise UserError(f"{path} does not match its config; tensors {'; '.join(problems)}")
    return {name: tensors[name] for name in expected}


def load_for_backend(path: str | os.PathLike, backend: str, widen: bool = True) -> dict[str, np.ndarray]:
    """Read a safetensors file in the layout of a backend, "pt" or "mlx"; `widen` as in `load_tensors`."""
    tensors, metadata = load_tensors(path, widen)
    return convert_layout(tensors, file_format(metadata, path), backend)
