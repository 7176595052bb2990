"""Write a checkpoint folder in the other backend's layout. `checkpoints.tensors` swaps the axes."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoints.folder import EMBEDDED
from nanospeech_core.checkpoints.tensors import BFLOAT16, DTYPES, FLOATING, cast, convert_layout, save_tensors
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.system.folders import check_replaceable, clear_up, replacing_folder

from .check import check_config
from .source import COPIED, MODEL, PARTS, Source, TensorFile, read, read_json, without_absent

CASTS = {"float16": DTYPES["F16"], "bfloat16": BFLOAT16, "float32": DTYPES["F32"]}
NAMES = {"pt": "torch", "mlx": "mlx"}  # the format's name in commands and folder names


def convert(
    source: str | os.PathLike,
    want: str,
    output: str | os.PathLike | None = None,
    dtype: str | None = None,
    force: bool = False,
) -> Path:
    """Write a checkpoint in the other backend's layout.

    Without `dtype`, converting there and back gives the same bytes, for files written by the `safetensors`
    library or this project (a file without a format gets one). A folder may mix formats, as the embedded one
    does: files that already have the wanted format are not changed.

    Names that training tools wrapped (`original.WRAPPERS`) are unwrapped. All tensors are compared with the
    config before anything is written.

    Args:
        source: a folder, a `.safetensors` file, a `.pt`, or `EMBEDDED`. For a file without a config, the
            config.json beside it is used. A warning names what is missing in the resulting folder.
        want: "pt" or "mlx".
        output: the folder to write. By default the source's name with `-mlx` or `-torch`, beside the source
            or, for the embedded checkpoint, in the current folder.
        dtype: cast the floating-point weights to "float16", "bfloat16" or "float32".
        force: replace `output` if it is a checkpoint folder.
    Returns:
        the folder written.
    Raises:
        UserError: bad input, or the output exists or cannot be written. No partial output is left.
    """
    checkpoint = read(source)
    if all(file.format == want for file in checkpoint.files):
        raise UserError(f"{checkpoint.path} is already in the {NAMES[want]} format")
    named = checkpoint.path if source != EMBEDDED else Path((checkpoint.config or {})["name"])
    output = Path(output) if output is not None else default_output(named, want)
    check_output(output, checkpoint.path, force)
    alone = not checkpoint.path.is_dir() and checkpoint.config is None
    if alone:
        checkpoint = with_config_beside(checkpoint)
    check_config(checkpoint)
    written = [
        TensorFile(
            file.name,
            convert_layout(cast_all(file.tensors, dtype), file.format, want),
            file.metadata if file.format == want else file.metadata | {"format": want},
            want,
        )
        for file in checkpoint.files
    ]
    write_folder(output, written, checkpoint, force)
    if alone:
        warn_of_absent(output, checkpoint)
    elif checkpoint.step is not None and checkpoint.config is not None:
        warnings.warn(
            f"{output} has no voices of its own, as {checkpoint.path.name} contains none: it speaks with the "
            "embedded ones; python -m nanospeech_torch.export makes voices of the training data",
            stacklevel=2,
        )
    return output


def with_config_beside(checkpoint: Source) -> Source:
    """Add the config.json of its folder to a file without a config, without the parts of other files.

    A config.json of another kind is ignored.
    """
    beside = checkpoint.path.with_name("config.json")
    try:
        values = read_json(beside)
        config = None if values is None else ModelConfig.from_dict(values, str(beside)).to_dict()
    except UserError:
        return checkpoint
    names = [file.name for file in checkpoint.files]
    if config is None or MODEL not in names or config == without_absent(config, names):
        return replace(checkpoint, config=config, copied=[] if config is None else [beside])  # byte by byte
    return replace(checkpoint, config=without_absent(config, names))


def warn_of_absent(output: Path, checkpoint: Source) -> None:
    """Warn if a folder written from a single file cannot be loaded, or a part is missing."""
    names = [file.name for file in checkpoint.files]
    is_vocoder = names == [PARTS["vocoder."]]
    says_config = checkpoint.config is not None or is_vocoder and "config" in checkpoint.files[0].metadata
    absent = [] if says_config else ["config.json"]
    absent += [] if is_vocoder or MODEL in names else [MODEL]
    if absent:
        warnings.warn(f"{output} cannot be loaded yet: it has no {' and no '.join(absent)}", stacklevel=2)
    elif MODEL in names and not checkpoint.copied:
        warnings.warn(
            f"{output} has only {checkpoint.path.name} and will use the embedded vocoder and aligner; "
            f"convert {checkpoint.path.parent} to keep its own",
            stacklevel=2,
        )


def default_output(source: Path, want: str) -> Path:
    """`NAME-mlx` or `NAME-torch` beside the source, without the other backend's ending."""
    source = Path(os.path.abspath(source))
    name = source.name if source.is_dir() else source.stem
    for ending in NAMES.values():
        name = name.removesuffix(f"-{ending}")
    return source.with_name(f"{name}-{NAMES[want]}")


def check_output(output: Path, source: Path, force: bool) -> None:
    """Raise UserError if the output exists; with `force`, only if it is not a plain checkpoint folder.

    What a killed process left is cleared up first.
    """
    clear_up(output)
    if not os.path.lexists(output):
        if not os.path.isdir(output.parent):
            raise UserError(f"cannot write {output}: there is no folder {output.parent}")
        return
    if not force:
        raise UserError(f"{output} exists; --force replaces it")
    if output.resolve() in (source.resolve(), *source.resolve().parents):
        raise UserError(f"{output} contains the input; choose another output")
    if output.is_symlink() or not output.is_dir():
        raise UserError(f"{output} is not a folder, so it is not replaced")
    check_replaceable(output)
    for entry in output.iterdir():
        if not any(fnmatch(entry.name, pattern) for pattern in ("*.safetensors", *COPIED)):
            raise UserError(
                f"{output} contains {entry.name}, which is not part of a checkpoint, so it is not replaced"
            )


def cast_all(tensors: dict[str, np.ndarray], dtype: str | None) -> dict[str, np.ndarray]:
    """Cast the floating-point tensors. Raises UserError if a finite weight becomes infinite."""
    if dtype is None:
        return tensors
    result = {}
    for name, array in tensors.items():
        result[name] = cast(array, CASTS[dtype]) if array.dtype in FLOATING else array
        if result[name] is not array and is_finite(array) and not is_finite(result[name]):
            raise UserError(f"{name} has values that {dtype} cannot represent: choose another --dtype")
    return result


def is_finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(cast(array, DTYPES["F32"]) if array.dtype == BFLOAT16 else array).all())


def write_folder(output: Path, files: list[TensorFile], checkpoint: Source, force: bool) -> None:
    """Write a folder beside its final place, then rename it. A failure leaves the old state.

    Raises:
        UserError: it cannot be written, or another process has written it since `check_output`, without
            `force`.
    """
    try:
        with replacing_folder(output, replace=force) as temporary:
            for file in files:
                save_tensors(temporary / file.name, file.tensors, file.metadata)
            for path in checkpoint.copied:
                (shutil.copytree if path.is_dir() else shutil.copyfile)(path, temporary / path.name)
            if checkpoint.config is not None and not (temporary / "config.json").exists():
                text = json.dumps(checkpoint.config, indent=2, ensure_ascii=False) + "\n"
                (temporary / "config.json").write_text(text, encoding="utf-8")
    except shutil.Error as error:
        raise UserError(f"cannot write {output}: {error}") from error
