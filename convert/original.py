"""`import-nanospeech`: an original Nanospeech checkpoint as a folder with config, model and vocoder."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from nanospeech_core.checkpoints.folder import resolve
from nanospeech_core.checkpoints.original import OriginalFiles, read_original
from nanospeech_core.checkpoints.tensors import load_for_backend
from nanospeech_core.checkpoints.vocoder import PUBLIC, find_vocoder, load_vocoder
from nanospeech_core.errors import UserError

from .convert import check_output, write_folder
from .source import Source, TensorFile

KEPT = ("*.md", "LICENSE*", "NOTICE*")


def import_nanospeech(
    source: str | os.PathLike,
    output: str | os.PathLike,
    vocoder: str | os.PathLike | None = None,
    force: bool = False,
) -> Path:
    """Write an original Nanospeech checkpoint as a folder on which a diffusion head can be trained.

    Args:
        source: a folder of `model.safetensors`, `duration.safetensors` and `vocab.txt`, or a hub id.
        output: the folder to write; the weights keep their dtype.
        vocoder: see `checkpoints.vocoder.find_vocoder`. None: the public Vocos; if it cannot be downloaded,
            none, with a warning: the folder then uses the embedded vocoder.
        force: replace `output` if it is a checkpoint folder.
    Returns:
        the folder written.
    Raises:
        UserError: bad input, or the output exists or cannot be written. No partial output is left.
    """
    folder, output = resolve(source), Path(output)
    files = OriginalFiles.find(folder)
    if files is None:
        raise UserError(
            f"{folder} is not an original Nanospeech checkpoint: these have model.safetensors and vocab.txt, "
            "and no config.json"
        )
    check_output(output, folder, force)
    config, weights = read_original(files, lambda file: load_for_backend(file, "pt", widen=False))
    written = [TensorFile("model.safetensors", weights, {"format": "pt"}, "pt")]
    try:
        vocos, tensors = load_vocoder(find_vocoder(vocoder or PUBLIC), "pt")
    except UserError as error:
        if vocoder is not None:
            raise
        warnings.warn(f"no vocoder is written, so the embedded one will be used: {error}", stacklevel=2)
    else:
        config = replace(config, vocoder=vocos)
        written.append(TensorFile("vocos.safetensors", tensors, {"format": "pt"}, "pt"))
    kept = [path for path in sorted(folder.iterdir()) if any(fnmatch(path.name, name) for name in KEPT)]
    write_folder(output, written, Source(folder, written, config.to_dict(), copied=kept), force)
    return output
