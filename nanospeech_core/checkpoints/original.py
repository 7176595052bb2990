"""Original Nanospeech checkpoints: `model.safetensors`, `duration.safetensors`, `vocab.txt`, and no config.

The config is inferred from the shapes of the tensors. The rest is constant in Nanospeech's code
(github.com/lucasnewman/nanospeech): head width, rotary positions, mel, sampling.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..config import DiTConfig, DurationConfig, MelConfig, ModelConfig, SamplingConfig, TextConfig
from ..errors import UserError
from ..system.encodings import read_text
from ..system.files import split_lines

DIM_HEAD = 64  # of every attention; shapes give only heads x dim_head

# Prefixes that training tools add to every name: EMA, DDP, torch.compile, which may also compile a part only.
EMA, COMPILED = "ema_model.", "_orig_mod."
WRAPPERS = (EMA, "module.", COMPILED)
ONLINE, COUNTERS = (
    "online_model.",
    ("initted", "step"),
)  # an EMA may be saved with the weights that it averages
# Other saved tensors: tables that are computed here, and the counters of the EMA.
NOT_WEIGHTS = ("mel_spec.*", "*.inv_freq", "*.freqs_cis", *COUNTERS)
# The prefixes of a file's parts, and those of this package.
MODEL_PARTS = {"transformer.": "transformer.", "_duration_predictor.": "duration_predictor."}
DURATION_PARTS = {
    "transformer.": "duration_predictor.transformer.",
    "to_pred.": "duration_predictor.to_pred.",
}

# The defaults of Nanospeech's command line. Its 8 steps are 8 points in time, so 7 intervals. Its guidance
# strength s, in c + s (c - u), is a scale of 1 + s.
SAMPLING = SamplingConfig(sampler="ode", steps=7, method="rk4", cfg=3.0, sway_coef=-1.0)

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class OriginalFiles:
    """The files of an original checkpoint."""

    model: Path
    vocab: Path
    duration: Path | None

    @classmethod
    def find(cls, folder: str | os.PathLike) -> OriginalFiles | None:
        """The files in a folder; None if it is not an original checkpoint."""
        folder = Path(folder)
        model, vocab, duration = (
            folder / name for name in ("model.safetensors", "vocab.txt", "duration.safetensors")
        )
        # Without permission, os.path's functions return False, while Path's methods raise.
        if os.path.exists(folder / "config.json") or not (os.path.isfile(model) and os.path.isfile(vocab)):
            return None
        return cls(model, vocab, duration if os.path.isfile(duration) else None)


def read_original(
    files: OriginalFiles, read: Callable[[Path], Tensors]
) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """Read the config and the weights of an original checkpoint, with this package's tensor names.

    Args:
        files: from `OriginalFiles.find`.
        read: reads a file's tensors in torch's layout.
    Raises:
        UserError: a file is broken, has parts unknown to Nanospeech, or does not fit the others.
    """
    weights = rename(read(files.model), MODEL_PARTS, files.model)
    if files.duration is not None:
        weights |= rename(read(files.duration), DURATION_PARTS, files.duration)
    vocab = read_vocab(files.vocab)
    shared = sizes(weights, "transformer.", 2, files.model)
    transformer = DiTConfig(**shared, patch=1, visible_flag=False, mask_padding=False)
    duration = None
    if any(name.startswith("duration_predictor.") for name in weights):
        place = files.duration or files.model
        duration = DurationConfig(**sizes(weights, "duration_predictor.transformer.", 1, place))
    if len(vocab) > transformer.text_num_embeds:
        raise UserError(
            f"{files.vocab} has {len(vocab)} symbols, but {files.model} was trained with "
            f"{transformer.text_num_embeds}"
        )
    config = ModelConfig(
        name="nanospeech",
        text=TextConfig(kind="characters", vocab=vocab, alignment="filler"),
        mel=MelConfig(mean=0.0, std=1.0),
        predict="velocity",
        transformer=transformer,
        diffusion=None,
        phone_duration=None,
        duration=duration,
        vocoder=None,
        sampling=SAMPLING,
    )
    return config, weights


def read_vocab(path: Path) -> tuple[str, ...]:
    """Read the symbols of a `vocab.txt`, one per line; a symbol's id is its line number.

    An empty line is the newline symbol, which no sentence contains. Empty lines at the end are dropped.
    """
    lines = split_lines(read_text(path))
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise UserError(f"{path} is empty; it must have one symbol per line")
    return tuple(lines)


def rename(tensors: Tensors, parts: Mapping[str, str], path: Path) -> dict[str, np.ndarray]:
    """A file's weights under this package's names. Raises UserError for a tensor of an unknown part."""
    tensors = unwrap({name: t for name, t in tensors.items() if not is_extra(name)})
    result = {}
    for name, tensor in tensors.items():
        if is_extra(name):
            continue
        part = next((part for part in parts if name.startswith(part)), None)
        if part is None:
            raise UserError(f"{path} is not an original Nanospeech checkpoint: it has a tensor {name}")
        result[parts[part] + name.removeprefix(part)] = tensor
    return result


def unwrap(tensors: Tensors) -> Tensors:
    """Remove what training tools add to names: `WRAPPERS`, and of an EMA its counters and its source."""
    if any(name.startswith(EMA) for name in tensors):
        counted = any(n.startswith(ONLINE) or n in COUNTERS for n in tensors)
        tensors = {n: t for n, t in tensors.items() if n.startswith(EMA)} if counted else tensors
    while wrapper := next((w for w in WRAPPERS if tensors and all(n.startswith(w) for n in tensors)), None):
        tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    return {name.replace(f".{COMPILED}", "."): tensor for name, tensor in tensors.items()}


def is_extra(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in NOT_WEIGHTS)


def sizes(weights: Tensors, prefix: str, mels: int, path: Path) -> dict:
    """Infer the fields that `DiTConfig` and `DurationConfig` share.

    Args:
        weights: under this package's names, in torch's layout.
        prefix: of the transformer's names.
        mels: mel frames in a token's input: 2 (the noised and the visible one) or 1 (the visible one).
        path: for messages.
    Raises:
        UserError: a tensor is missing or has an impossible shape.
    """

    def shape(name: str, axes: int) -> Sequence[int]:
        tensor = weights.get(prefix + name)
        if tensor is None:
            raise UserError(f"{path} is not an original Nanospeech checkpoint: it has no {prefix}{name}")
        if tensor.ndim != axes:
            raise UserError(f"{path}: {prefix}{name} has {tensor.ndim} axes, not {axes}")
        return tensor.shape

    def count(list_name: str) -> int:
        pattern = re.compile(re.escape(f"{prefix}{list_name}.") + r"(\d+)\.")
        return len({match[1] for name in weights if (match := pattern.match(name))})

    def ratio(above: int, below: int, what: str) -> int:
        if not below or above % below:
            raise UserError(
                f"{path}: {prefix}{what} is not a whole number: {above} is not divisible by {below}"
            )
        return above // below

    dim, joined = shape("input_embed.proj.weight", 2)
    symbols, text_dim = shape("text_embed.text_embed.weight", 2)
    block = "transformer_blocks.0."
    inner, _ = shape(f"{block}attn.to_q.weight", 2)
    wide, _ = shape(f"{block}ff.ff.0.0.weight", 2)
    _, group, kernel = shape("input_embed.conv_pos_embed.conv1d.0.weight", 3)
    return {
        "dim": dim,
        "depth": count("transformer_blocks"),
        "heads": ratio(inner, DIM_HEAD, "attention by the width of a head"),
        "dim_head": DIM_HEAD,
        "ff_mult": ratio(wide, dim, "feed-forward by dim"),
        "mel_dim": ratio(joined - text_dim, mels, "input without text by mel"),
        "text_num_embeds": symbols - 1,  # the first is the filler
        "text_dim": text_dim,
        "conv_layers": count("text_embed.text_blocks"),
        "conv_pos_kernel": kernel,
        "conv_pos_groups": ratio(dim, group, "dim by the channels of a group"),
        "rope": "first_head",
    }
