"""Checkpoints: a folder of `config.json` and safetensors files, read and written with numpy only.

The two backends store the same tensors under the same names. They differ in one thing: the axes of Conv1d
weights, torch `[out, in / groups, kernel]`, MLX `[out, kernel, in / groups]`. A file says which it has by
`format` in its header's metadata, "pt" or "mlx"; one that does not say (the original Nanospeech, Vocos and
MAR files) is "pt". Shapes are never used to guess.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..system.files import replacing
from .hub import find_folder
from .original import OriginalFiles, read_original
from .quantization import check_quantized, dequantize_all

FORMATS = ("pt", "mlx")
PRETRAINED = Path(__file__).parents[1] / "pretrained"
EMBEDDED = "embedded"  # its name wherever a model is named; a folder that is called so is ./embedded

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


def load_tensors(
    path: str | os.PathLike, widen: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file.

    Args:
        path: the file.
        widen: turn bfloat16 into float32 (exact); else such arrays have the dtype `BFLOAT16`.
    Returns:
        the tensors by name, in the order of their data, parts of a memory map; and the metadata.
    Raises:
        UserError: the file is missing, unreadable, truncated or no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:  # checks the header, the offsets and the length
            file.keys()
        # Copy on write: the arrays can be written to and the file does not change. A file that is replaced by
        # renaming, as all are that are written here, stays what it was for who has mapped it.
        data = np.memmap(path, np.uint8, "c")
        begin = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:begin].tobytes())
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
        model: None or `EMBEDDED` for the embedded one, a local folder, or a hub id: `owner/name` or
            `owner/name@revision`.
        revision: the hub's commit, tag or branch; pin a commit for a result that never changes.
    Raises:
        UserError: there is no such folder, or the hub cannot give it.
    """
    if model in (None, EMBEDDED):
        if not (PRETRAINED / "config.json").is_file():
            raise UserError("this installation has no embedded checkpoint; name a folder or a hub id")
        return PRETRAINED
    if os.path.isfile(os.path.expanduser(model)):
        raise UserError(
            f"{model} is a file; a checkpoint is the folder that holds config.json and model.safetensors"
        )
    return find_folder(model, revision)


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


def config_at_hand(model: str | os.PathLike | None) -> ModelConfig | None:
    """The config of the embedded model or of a folder; None where it must be fetched, or cannot be read."""
    folder = PRETRAINED if model in (None, EMBEDDED) else Path(model).expanduser()
    try:
        return read_config(folder)
    except (UserError, RuntimeError):  # RuntimeError: no home
        return None


def load_folder(path: str | os.PathLike, backend: str) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """Read a checkpoint folder for a backend.

    Args:
        path: a folder with `config.json`, `model.safetensors` and, as the config says, `vocos.safetensors`
            and `aligner.safetensors`; or an original Nanospeech checkpoint (see `original`). Without a
            vocoder, the embedded checkpoint's is taken, for the mel is always the same; without an aligner, a
            model with durations and the embedded vocabulary takes the embedded aligner.
        backend: "pt" or "mlx", the layout wanted.
    Returns:
        the config and all tensors, the vocoder's under `vocoder.`, the aligner's under `aligner.`, bfloat16
        widened to float32. Quantized weights stay so for "mlx"; PyTorch has no kernels for them, so "pt" gets
        the float32 that they stand for, and a config without `quantization`.
    Raises:
        UserError: a file is missing, broken, or not what the config says.
    """
    folder = Path(path)
    files = OriginalFiles.find(folder)
    if files is None:
        config = read_config(folder)
        result = read_layout(folder / "model.safetensors", backend)
        if config.quantization is not None:
            check_quantized(result, config.quantization, folder / "model.safetensors")
            if backend == "pt":
                result = dequantize_all(result, config.quantization)
                config = replace(config, quantization=None)
    else:
        config, result = read_original(files, lambda file: read_layout(file, "pt"))
        result = for_backend(result, "pt", backend)
    vocos = folder / "vocos.safetensors"
    if config.vocoder is None and (PRETRAINED / "vocos.safetensors").is_file():
        config = replace(config, vocoder=read_config(PRETRAINED).vocoder)
        vocos = PRETRAINED / "vocos.safetensors"
    if config.vocoder is not None:
        result |= {f"vocoder.{name}": tensor for name, tensor in read_layout(vocos, backend).items()}
    aligner = folder / "aligner.safetensors"
    if config.aligner is None and config.text.alignment == "durations":
        embedded = PRETRAINED / "aligner.safetensors"
        if embedded.is_file() and read_config(PRETRAINED).text.vocab == config.text.vocab:
            config, aligner = replace(config, aligner=read_config(PRETRAINED).aligner), embedded
    if config.aligner is not None:
        result |= {f"aligner.{name}": tensor for name, tensor in read_layout(aligner, backend).items()}
    return config, result


def read_layout(path: str | os.PathLike, backend: str, widen: bool = True) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file in the layout of "pt" or "mlx"; `widen` as in `load_tensors`."""
    tensors, metadata = load_tensors(path, widen)
    return for_backend(tensors, file_format(metadata, path), backend)
