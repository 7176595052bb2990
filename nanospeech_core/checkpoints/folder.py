"""Checkpoint folders: find one, read its config, load its tensors for a backend."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..strict import check_type
from .hub import find_folder, is_hub_id
from .original import OriginalFiles, read_original
from .quantization import check_quantized, dequantize_all
from .tensors import convert_layout, load_for_backend

PRETRAINED = Path(__file__).parents[1] / "pretrained"
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt")  # suffixes of training checkpoints
EMBEDDED = "embedded"  # names the embedded checkpoint; a folder of that name is ./embedded


def resolve(model: str | os.PathLike | None = None, revision: str | None = None) -> Path:
    """Find the folder of a checkpoint; download it from the hub if necessary.

    Args:
        model: None or `EMBEDDED` for the embedded checkpoint, a local folder, or a hub id: `owner/name` or
            `owner/name@revision`.
        revision: a commit, tag or branch on the hub; a commit makes the result reproducible.
    Raises:
        UserError: there is no such folder, the hub does not provide it, or an argument is of another type.
    """
    check_type("model", model, [str, os.PathLike], optional=True)
    check_type("revision", revision, [str], optional=True)
    if model is None or model == EMBEDDED:
        if not (PRETRAINED / "config.json").is_file():
            raise UserError("this installation has no embedded checkpoint; name a folder or a hub id")
        return PRETRAINED
    check_exported(model)
    if os.path.isfile(os.path.expanduser(model)):
        raise UserError(f"{model} is a file; a checkpoint is a folder with config.json and model.safetensors")
    return find_folder(model, revision)


def is_training_run(folder: str | os.PathLike) -> bool:
    """Whether a folder is that of a training run."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    if "model.safetensors" in names:
        return False
    return "log.jsonl" in names or any(fnmatch(name, "step-*.pt") or name == "best.pt" for name in names)


def check_exported(path: str | os.PathLike, output: str = "my-voice", of: str = "") -> None:
    """Raise UserError if this is a training run or its checkpoint, in place of what is exported from it.

    Args:
        path: what a user named.
        output: what it may be exported to.
        of: what it must be of, for the message: "of a vocoder".
    """
    expanded = os.path.expanduser(path)
    if os.path.isfile(expanded) and str(path).endswith(TORCH_SUFFIXES):
        what = "a training checkpoint"
    elif is_training_run(expanded):
        what = "a training run"
    else:
        return
    advice = f"if it is {of}, export it first" if of else "export it first"
    raise UserError(f"{path} is {what}: {advice}: python -m nanospeech_torch.export {path} -o {output}")


def read_config(folder: str | os.PathLike) -> ModelConfig:
    """Read the config of a checkpoint folder. Raises UserError if it is missing or invalid."""
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    return ModelConfig.from_dict(values, str(path))


def folder_config(folder: str | os.PathLike) -> ModelConfig:
    """As `read_config`; of an original checkpoint, which has no config, from the shapes of its weights."""
    files = OriginalFiles.find(folder)
    if files is None:
        return read_config(folder)
    return read_original(files, lambda file: load_for_backend(file, "pt"))[0]


def local_config(model: str | os.PathLike | None) -> ModelConfig | None:
    """The config of the embedded model or of a folder; None for a model on the hub or a broken folder."""
    folder = PRETRAINED if model is None or model == EMBEDDED else Path(model).expanduser()
    try:
        return read_config(folder)
    except (UserError, RuntimeError):  # RuntimeError: no home
        return None


def local_folder(model: str | os.PathLike | None) -> Path | None:
    """The folder of a model, as `resolve`; None for one on the hub, which is not downloaded."""
    if model is not None and model != EMBEDDED and not os.path.exists(os.path.expanduser(model)):
        if is_hub_id(model):
            return None
    return resolve(model)


def load_folder(path: str | os.PathLike, backend: str) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """Read a checkpoint folder for a backend.

    Args:
        path: a folder with `config.json`, `model.safetensors` and, if the config has these parts,
            `vocos.safetensors` and `aligner.safetensors`; or an original Nanospeech checkpoint (see
            `original`). A checkpoint without a vocoder gets the embedded one, as all models share one mel
            format. A model with durations and the embedded vocabulary, but no aligner, gets the embedded one.
        backend: "pt" or "mlx", the layout wanted.
    Returns:
        the config and all tensors: the vocoder's under `vocoder.`, the aligner's under `aligner.`, bfloat16
        as float32. Quantized weights stay quantized for "mlx". PyTorch has no kernels for them, so "pt" gets
        them as float32, with a config without `quantization`.
    A folder that is replaced meanwhile, by an export, is read again: its files belong together.

    Raises:
        UserError: a file is missing or broken, or does not match the config.
    """
    while True:
        before = _identity(path)
        try:
            result = _load_files(Path(path), backend)
        except UserError:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return result


def _identity(path: str | os.PathLike) -> tuple[int, int] | None:
    """Tells a folder from one that takes its place; None: there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _load_files(folder: Path, backend: str) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    files = OriginalFiles.find(folder)
    if files is None:
        config = read_config(folder)
        result = load_for_backend(folder / "model.safetensors", backend)
        if config.quantization is not None:
            check_quantized(result, config.quantization, folder / "model.safetensors")
            if backend == "pt":
                result = dequantize_all(result, config.quantization)
                config = replace(config, quantization=None)
    else:
        config, result = read_original(files, lambda file: load_for_backend(file, "pt"))
        result = convert_layout(result, "pt", backend)
    vocos = folder / "vocos.safetensors"
    if config.vocoder is None and (PRETRAINED / "vocos.safetensors").is_file():
        config = replace(config, vocoder=read_config(PRETRAINED).vocoder)
        vocos = PRETRAINED / "vocos.safetensors"
    if config.vocoder is not None:
        result |= {f"vocoder.{name}": tensor for name, tensor in load_for_backend(vocos, backend).items()}
    aligner = folder / "aligner.safetensors"
    if config.aligner is None and config.text.alignment == "durations":
        embedded = PRETRAINED / "aligner.safetensors"
        if embedded.is_file() and read_config(PRETRAINED).text.vocab == config.text.vocab:
            config, aligner = replace(config, aligner=read_config(PRETRAINED).aligner), embedded
    if config.aligner is not None:
        result |= {f"aligner.{name}": tensor for name, tensor in load_for_backend(aligner, backend).items()}
    return config, result
