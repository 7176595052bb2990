"""Other vocoders than the checkpoint's: the public Vocos of original Nanospeech checkpoints, or your own.

Vocos: Siuzdak, arXiv 2306.00814; github.com/gemelo-ai/vocos.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..audio.mel import HOP, N_FFT, N_MELS, SAMPLE_RATE
from ..config import ModelConfig, VocosConfig
from ..errors import UserError
from ..strict import check_type, from_dict
from .folder import EMBEDDED, check_exported, load_folder, read_config, resolve
from .hub import find_folder
from .original import OriginalFiles
from .parameters import check_finite, check_parameters, parameter_shapes
from .tensors import BFLOAT16, DTYPES, IGNORED, cast, convert_layout, file_format, load_tensors
from .torch_file import load_torch_file

PUBLIC = "charactr/vocos-mel-24khz@0feb3fdd929bcd6649e0e7c5a688cf7dd012ef21"
CONFIG, WEIGHTS = "config.yaml", "pytorch_model.bin"  # the files of a published Vocos


def load_with_vocoder(
    folder: str | os.PathLike, backend: str, vocoder: str | os.PathLike | None = None
) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """`load_folder`, with another vocoder instead of the checkpoint's.

    Args:
        folder: the checkpoint's.
        backend: "pt" or "mlx", the layout wanted.
        vocoder: see `find_vocoder`. None: the checkpoint's; for an original Nanospeech checkpoint `PUBLIC`,
            or the embedded vocoder with a warning if `PUBLIC` cannot be downloaded.
    Raises:
        UserError: the checkpoint or the vocoder is missing or broken, or they do not fit together.
    """
    config, tensors = load_folder(folder, backend)
    wanted = vocoder
    if wanted is None and OriginalFiles.find(folder) is not None:
        wanted = PUBLIC
    if wanted is not None:
        try:
            vocos, weights = load_vocoder(find_vocoder(wanted), backend)
        except UserError as error:
            if vocoder is not None or config.vocoder is None:
                raise
            warnings.warn(f"the small embedded vocoder is used: {error}", stacklevel=2)
        else:
            config = replace(config, vocoder=vocos)
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("vocoder.")}
            tensors |= {f"vocoder.{name}": tensor for name, tensor in weights.items()}
    # Now, and not when the weights are set: a config could ask for networks larger than the memory.
    check_parameters(tensors, backend, parameter_shapes(config), config.quantization, folder)
    check_finite(tensors, folder)
    return config, tensors


def find_vocoder(name: str | os.PathLike) -> Path:
    """Find the folder or file of a vocoder; download it from the hub if necessary.

    Args:
        name: a folder, a file of `nanospeech_torch.export`, a hub id (`owner/name[@revision]`) of a
            repository like charactr/vocos-mel-24khz, or `EMBEDDED`.
    Raises:
        UserError: there is no such vocoder, or the hub does not provide it.
    """
    check_type("vocoder", name, [str, os.PathLike])
    if name == EMBEDDED:
        return resolve(name)
    check_exported(name, "vocos.safetensors", "of a vocoder")
    path = Path(os.path.expanduser(name))
    if os.path.isfile(path):
        return path
    return find_folder(name, patterns=(CONFIG, WEIGHTS), needed=(CONFIG, WEIGHTS))


def load_vocoder(path: str | os.PathLike, backend: str) -> tuple[VocosConfig, dict[str, np.ndarray]]:
    """Load a vocoder's config and weights.

    Args:
        path: a folder of `config.yaml` and `pytorch_model.bin`, a checkpoint folder with a vocoder, or a
            `.safetensors` file with the config in its metadata.
        backend: "pt" or "mlx", the layout wanted.
    Raises:
        UserError: a file is missing or broken, or the vocoder is not a Vocos for this package's mel.
    """
    path = Path(path)
    if os.path.isfile(path):
        tensors, metadata = load_tensors(path, widen=True)
        try:
            values = json.loads(metadata["config"])
        except (KeyError, ValueError) as error:
            raise UserError(
                f"{path} has no config in its metadata: name its folder, or export it again"
            ) from error
        config, format = from_dict(VocosConfig, values, str(path)), file_format(metadata, path)
    elif os.path.isfile(path / CONFIG):
        config, format = read_vocos_config(path / CONFIG), "pt"
        tensors = load_torch_file(path / WEIGHTS)
        tensors = {n: cast(t, DTYPES["F32"]) if t.dtype == BFLOAT16 else t for n, t in tensors.items()}
        tensors = {n: t for n, t in tensors.items() if not any(fnmatch(n, p) for p in IGNORED)}
    elif os.path.isfile(path / "vocos.safetensors"):
        own_config = read_config(path).vocoder
        if own_config is None:
            raise UserError(f"{path / 'config.json'} describes no vocoder")
        config = own_config
        tensors, metadata = load_tensors(path / "vocos.safetensors", widen=True)
        format = file_format(metadata, path / "vocos.safetensors")
    elif os.path.isdir(path) and not os.access(path, os.X_OK):
        raise UserError(f"cannot read {path}: no permission")
    else:
        raise UserError(f"{path} contains no vocoder: neither {CONFIG} with {WEIGHTS} nor vocos.safetensors")
    return config, convert_layout(tensors, format, backend)


def read_vocos_config(path: Path) -> VocosConfig:
    """Read the `config.yaml` of a Vocos. Raises UserError if it describes another kind of vocoder."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} is not valid YAML: {str(error).splitlines()[0]}") from error
    features, backbone, head = (
        section(values, name, kind, path)
        for name, kind in (
            ("feature_extractor", "MelSpectrogramFeatures"),
            ("backbone", "VocosBackbone"),
            ("head", "ISTFTHead"),
        )
    )
    expected = {
        "sample_rate": SAMPLE_RATE,
        "n_fft": N_FFT,
        "hop_length": HOP,
        "n_mels": N_MELS,
        "padding": "center",
    }
    for name, value in expected.items():
        if features.get(name, value) != value:
            raise UserError(
                f"{path}: the vocoder needs a mel with {name} {features[name]}; this model has {value}"
            )
    if head.pop("padding", "center") != "center" or head.pop("dim", None) != backbone.get("dim"):
        raise UserError(f"{path}: head.padding must be center, and head.dim must equal backbone.dim")
    backbone = {name: value for name, value in backbone.items() if value is not None}  # unset options
    return from_dict(VocosConfig, backbone | head, str(path))


def section(values: object, name: str, kind: str, path: Path) -> dict:
    """The arguments of a part. Raises UserError if its class is not `kind`."""
    part = values.get(name) if isinstance(values, dict) else None
    part = part if isinstance(part, dict) else {}
    arguments = part.get("init_args")
    if not isinstance(arguments, dict) or str(part.get("class_path")).rpartition(".")[2] != kind:
        raise UserError(
            f"{path} does not describe a Vocos for mel spectrograms: the class of {name} must be {kind}"
        )
    return dict(arguments)
