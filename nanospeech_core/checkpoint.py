"""Checkpoints: a folder of `config.json` and safetensors files, read and written with numpy only.

The two backends store the same tensors under the same names. They differ in one thing: the axes of Conv1d
weights, torch `[out, in / groups, kernel]`, MLX `[out, kernel, in / groups]`. A file says which it has by
`format` in its header's metadata, "pt" or "mlx"; one that does not say (the original Nanospeech, Vocos and
MAR files) is "pt". Shapes are never used to guess.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from .config import ModelConfig
from .errors import UserError
from .files import replacing

FORMATS = ("pt", "mlx")
PRETRAINED = Path(__file__).parent / "pretrained"

# Buffers of the original checkpoints that are computed here: accepted, never loaded.
IGNORED = ("*head.istft.window", "*mel_spec.*")

# numpy has no bfloat16; this dtype carries its bits through reshaping and axis swaps, and refuses arithmetic.
BFLOAT16 = np.dtype([("bfloat16", "<u2")])
DTYPES = {
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

HUB_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?")
HUB_FILES = ("*.json", "*.safetensors", "*.flac", "*.txt")


def load_tensors(
    path: str | os.PathLike, widen: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file.

    Args:
        path: the file.
        widen: turn bfloat16 into float32 (exact); else such arrays have the dtype `BFLOAT16`.
    Returns:
        the tensors by name, in the order of their data, and the metadata.
    Raises:
        UserError: the file is missing, unreadable, truncated or no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:  # checks the header, the offsets and the length
            file.keys()
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            data = bytearray(file.read())  # writable, so that the arrays are
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{path} is not a whole safetensors file: {error}") from error
    metadata = header.pop("__metadata__", None) or {}
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if entry["dtype"] not in DTYPES:
            raise UserError(f"{path}: {name} has the dtype {entry['dtype']}, which is not supported")
        dtype = DTYPES[entry["dtype"]]
        start, end = entry["data_offsets"]
        array = np.frombuffer(data, dtype, (end - start) // dtype.itemsize, start).reshape(entry["shape"])
        tensors[name] = (
            cast(array, DTYPES["F32"]) if widen and dtype == BFLOAT16 else np.require(array, None, "A")
        )
    return tensors, metadata


def save_tensors(
    path: str | os.PathLike, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file atomically, tensors and metadata in the order given.

    The `safetensors` library sorts tensors and shuffles metadata; keeping both in order makes a conversion
    there and back byte-equal. The rest is the library's form: compact JSON, padded with spaces to 8 bytes.

    Raises:
        UserError: the file cannot be written; what stood there before is untouched.
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
    """A floating array in another floating dtype, rounded to nearest even; either may be `BFLOAT16`."""
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
    """Whether a tensor is a Conv1d weight (`grn.gamma` is 3-d too, but is not named `.weight`)."""
    return array.ndim == 3 and name.endswith(".weight")


def swap_conv_axes(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Axes 1 and 2 of every Conv1d weight swapped: torch's layout to MLX's, and just so back."""
    return {
        name: np.ascontiguousarray(array.swapaxes(1, 2)) if is_conv_weight(name, array) else array
        for name, array in tensors.items()
    }


def for_backend(tensors: Mapping[str, np.ndarray], have: str, want: str) -> dict[str, np.ndarray]:
    """The tensors of a file of format `have` in the layout of `want` (each "pt" or "mlx")."""
    return dict(tensors) if have == want else swap_conv_axes(tensors)


def file_format(metadata: Mapping[str, str], path: str | os.PathLike) -> str:
    """The layout that a file's metadata names: "pt" (also when it names none) or "mlx"."""
    name = metadata.get("format", "pt")
    if name not in FORMATS:
        raise UserError(f"{path} has the format {name!r}; it must be one of {', '.join(FORMATS)}")
    return name


def check(
    tensors: Mapping[str, np.ndarray], expected: Mapping[str, Sequence[int]], path: str | os.PathLike
) -> dict[str, np.ndarray]:
    """Exactly the expected tensors, in the expected order.

    Args:
        tensors: what a file holds.
        expected: the shape of every parameter, by name.
        path: the file, for the message.
    Raises:
        UserError: a tensor is missing, extra (unless `IGNORED`) or of another shape; the first few are named.
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
        raise UserError(f"{path} does not fit its config; tensors {'; '.join(problems)}")
    return {name: tensors[name] for name in expected}


def resolve(model: str | os.PathLike | None = None, revision: str | None = None) -> Path:
    """The folder of a checkpoint.

    Args:
        model: None for the embedded one, a local folder, or a hub id: `owner/name` or `owner/name@revision`.
        revision: the hub's commit, tag or branch; pin a commit for a result that never changes.
    Raises:
        UserError: there is no such folder, or the hub cannot give it.
    """
    if model is None:
        if not (PRETRAINED / "config.json").is_file():
            raise UserError("this installation has no embedded checkpoint; name a folder or a hub id")
        return PRETRAINED
    folder = Path(os.path.expanduser(model))
    if os.path.isdir(folder):  # unlike Path.is_dir, no error for a name that is too long
        return folder
    if os.path.exists(folder):
        raise UserError(
            f"{model} is a file; a checkpoint is the folder that holds config.json and model.safetensors"
        )
    match = HUB_ID.fullmatch(str(model))
    if not match or os.path.isdir(folder.parent):
        raise UserError(f"no such folder: {model}")
    return download(match["id"], revision or match["revision"])


def download(repository: str, revision: str | None = None) -> Path:
    """The local copy of a hub repository, fetched when it is not there yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(HUB_FILES)))
    except GatedRepoError as error:  # a RepositoryNotFoundError too, so it comes first
        raise UserError(
            f"{repository} is gated: accept its terms on the hub and log in with `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(f"{repository} is neither a folder here nor a repository on the hub") from error
    except RevisionNotFoundError as error:
        raise UserError(f"{repository} has no revision {revision} on the hub") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{repository} is no folder here, and the hub cannot be reached to fetch it (is the network up?)"
        ) from error
    except (OSError, ValueError) as error:  # no space, an id that the hub does not allow
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{repository} is no folder here and could not be fetched from the hub: {reason}"
        ) from error


def read_config(folder: str | os.PathLike) -> ModelConfig:
    """The config of a checkpoint folder; a UserError when it is missing, no JSON, or has an unknown key."""
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    return ModelConfig.from_dict(values, str(path))


def load_folder(path: str | os.PathLike, backend: str) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """Read a checkpoint folder for a backend.

    Args:
        path: a folder with `config.json`, `model.safetensors` and, with a vocoder, `vocos.safetensors`;
            without one, the embedded checkpoint's vocoder is taken (the mel is always the same).
        backend: "pt" or "mlx", the layout wanted.
    Returns:
        the config and all tensors, the vocoder's under `vocoder.`, bfloat16 widened to float32.
    Raises:
        UserError: a file is missing, broken, or not what the config says.
    """
    folder = Path(path)
    config = read_config(folder)
    files = {"": folder / "model.safetensors"}
    if config.vocoder is not None:
        files["vocoder."] = folder / "vocos.safetensors"
    elif (PRETRAINED / "vocos.safetensors").is_file():
        config = replace(config, vocoder=read_config(PRETRAINED).vocoder)
        files["vocoder."] = PRETRAINED / "vocos.safetensors"
    result = {}
    for prefix, file in files.items():
        tensors, metadata = load_tensors(file, widen=True)
        tensors = for_backend(tensors, file_format(metadata, file), backend)
        result |= {prefix + key: array for key, array in tensors.items()}
    return config, result
