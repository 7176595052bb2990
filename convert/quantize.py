"""`quantize`: a checkpoint folder with linear layers of 4 or 8 bits per weight."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoints.folder import EMBEDDED, read_config, resolve
from nanospeech_core.checkpoints.original import OriginalFiles
from nanospeech_core.checkpoints.quantization import quantize_all
from nanospeech_core.config import QuantizationConfig
from nanospeech_core.errors import UserError

from .check import check_config
from .convert import check_output, write_folder
from .source import MODEL, TensorFile, read_folder


def quantize_folder(
    source: str | os.PathLike | None,
    bits: int,
    group_size: int = QuantizationConfig.group_size,
    output: str | os.PathLike | None = None,
    force: bool = False,
) -> Path:
    """Write a checkpoint folder with its model's linear layers and embeddings quantized.

    The config describes it under `quantization`, as in mlx-lm. These are not quantized: layers with an input
    that is not a multiple of the group, tensors that are not matrices, and the vocoder and the aligner, which
    have their own files and may be another checkpoint's. A warning names the layers that are not quantized.

    Args:
        source: a folder, a hub id, or `EMBEDDED` (or None). Its layout stays.
        bits, group_size: of `QuantizationConfig`.
        output: the folder to write. By default the source's name with `-4bit` or `-8bit`, beside the source
            or, for the embedded checkpoint and the hub's, in the current folder.
        force: replace `output` if it is a checkpoint folder.
    Returns:
        the folder written.
    Raises:
        UserError: bad input, or the output exists or cannot be written. No partial output is left.
    """
    folder = resolve(source)
    if OriginalFiles.find(folder) is not None:
        raise UserError(
            f"{folder} is an original Nanospeech checkpoint: convert it first with "
            "python -m convert import-nanospeech"
        )
    config = read_config(folder)
    if config.quantization is not None:
        raise UserError(
            f"{folder} is already quantized to {config.quantization.bits} bits: convert its source instead"
        )
    wanted = QuantizationConfig(group_size, bits)
    replace(config, quantization=wanted)  # validates it
    if output is None:
        local = source not in (None, EMBEDDED) and os.path.isdir(os.path.expanduser(source))
        output = Path(os.path.abspath(folder)) if local else Path(config.name)
        output = output.with_name(f"{output.name}-{bits}bit")
    output = Path(output)
    check_output(output, folder, force)
    checkpoint = read_folder(folder)
    files = {file.name: file for file in checkpoint.files}
    if MODEL not in files:
        raise UserError(f"{folder} has no {MODEL}")
    check_config(checkpoint)
    model = files[MODEL]
    tensors = quantize_all(model.tensors, wanted)
    files[MODEL] = TensorFile(MODEL, tensors, model.metadata | {"format": model.format}, model.format)
    copied = [path for path in checkpoint.copied if path.name != "config.json"]
    values = (checkpoint.config or {}) | {"quantization": asdict(wanted)}
    write_folder(output, list(files.values()), replace(checkpoint, config=values, copied=copied), force)
    if left := left_layers(model.tensors, tensors):
        warnings.warn(
            f"not quantized, as they are convolutions, single rows, or have an input that is no multiple of "
            f"{group_size}: {', '.join(left)}",
            stacklevel=2,
        )
    return output


def left_layers(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> list[str]:
    """The layers that are not quantized, those of all blocks as one name: `text_blocks.*.pwconv1`."""
    layers = [
        name.removesuffix(".weight")
        for name, array in before.items()
        if name.endswith(".weight") and array.ndim > 1 and after[name] is array
    ]
    return list(dict.fromkeys(re.sub(r"(blocks)\.\d+\.", r"\1.*.", layer) for layer in layers))
