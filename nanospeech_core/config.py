"""The dataclasses behind `config.json`, which describe a model for both backends.

The constructor of each module takes exactly the fields of its dataclass: `DiT(**asdict(config.transformer))`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from .errors import UserError
from .strict import from_dict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SAMPLER_NAMES = ("masked", "ode", "refine")
LAYERS = ("depth", "num_layers", "conv_layers", "text_layers", "mel_layers")
MOST_LAYERS, LARGEST = 1000, 1_000_000  # of a section, so that a damaged config can ask for no endless work
GROUP_SIZES, BITS = (32, 64, 128), (4, 8)  # of quantized weights; MLX has kernels for these groups


@dataclass(frozen=True)
class TextConfig:
    """How text becomes ids. An id is the index of a symbol in `vocab`."""

    kind: str = "phonemes"  # "phonemes" (IPA) or "characters"
    vocab: tuple[str, ...] = ()
    # "durations": ids are repeated for their frames; "filler": ids are padded at the end.
    alignment: str = "durations"
    languages: tuple[str, ...] = ("en", "zh")  # that the model speaks, without accents


@dataclass(frozen=True)
class MelConfig:
    """Normalization of the log-mel: the networks' input is `(mel - mean) / std`."""

    mean: float = -5.0
    std: float = 2.5


@dataclass(frozen=True)
class DiTConfig:
    """The transformer. A token is `patch` consecutive frames of `mel_dim` bins."""

    dim: int = 256
    depth: int = 6
    heads: int = 4
    dim_head: int = 64
    ff_mult: int = 3
    mel_dim: int = 100
    patch: int = 4
    text_num_embeds: int = 114
    text_dim: int = 80
    conv_layers: int = 4
    conv_pos_kernel: int = 7
    conv_pos_groups: int = 16
    rope: str = "all_heads"  # "first_head" in original Nanospeech checkpoints
    visible_flag: bool = True  # an additional input per token: 1 if its mel is visible
    mask_padding: bool = True  # False in original Nanospeech checkpoints: convolutions include the padding


@dataclass(frozen=True)
class DiffLossConfig:
    """The per-token diffusion head."""

    target_channels: int = 400
    z_channels: int = 256
    depth: int = 3
    width: int = 256
    objective: str = "flow"  # "flow": rectified flow predicting the clean token; "ddpm": MAR's own
    context: int = 0  # neighbors on each side whose z the head is conditioned on too
    regression: bool = False  # and on their mel, or its regression if it is not revealed yet


@dataclass(frozen=True)
class PhoneDurationConfig:
    """The predictor of the duration of each symbol."""

    dim: int = 128
    depth: int = 4
    heads: int = 2
    dim_head: int = 64
    ff_mult: int = 3
    text_num_embeds: int = 114
    conv_pos_kernel: int = 7
    conv_pos_groups: int = 16


@dataclass(frozen=True)
class DurationConfig:
    """Nanospeech's predictor of an utterance's length in seconds."""

    dim: int = 512
    depth: int = 12
    heads: int = 8
    dim_head: int = 64
    ff_mult: int = 2
    mel_dim: int = 100
    text_num_embeds: int = 255
    text_dim: int = 512
    conv_layers: int = 0
    conv_pos_kernel: int = 31
    conv_pos_groups: int = 16
    rope: str = "first_head"


@dataclass(frozen=True)
class VocosConfig:
    """The vocoder."""

    input_channels: int = 100
    dim: int = 256
    intermediate_dim: int = 768
    num_layers: int = 8
    n_fft: int = 1024
    hop_length: int = 256


@dataclass(frozen=True)
class AlignerConfig:
    """The aligner, which finds the time of each symbol in a recording."""

    dim: int = 160
    key_dim: int = 64
    text_layers: int = 1
    mel_layers: int = 4
    kernel: int = 3
    mel_dim: int = 100
    text_num_embeds: int = 114
    temperature: float = 0.1  # of the distances: a log-probability is -temperature x distance^2
    lag: int = 0  # frames by which boundaries are late, as in the acoustic model's training data


@dataclass(frozen=True)
class SamplingConfig:
    """The model's defaults of `GenerateOptions`."""

    sampler: str | None = None  # None: masked if there is a diffusion head, else ode
    cfg: float = 1.0  # guidance scale: 1 is off
    steps: int = 8  # intervals of the ODE
    method: str = "euler"
    sway_coef: float = -1.0


@dataclass(frozen=True)
class QuantizationConfig:
    """How the matrices of `model.safetensors` are quantized: see `checkpoints.quantization`."""

    group_size: int = 64  # numbers that share a scale and a bias
    bits: int = 4
    mode: str = "affine"


@dataclass(frozen=True)
class ModelConfig:
    """The contents of `config.json`. The defaults are the embedded model's."""

    name: str = "nanospeech-mar"
    text: TextConfig = field(default_factory=TextConfig)
    mel: MelConfig = field(default_factory=MelConfig)
    # The output of the flow path: the clean token, or "velocity" (original Nanospeech).
    predict: str = "clean"
    residual: bool = True  # DiffLoss models (x - to_mel(z)) / residual_std; False: x itself, as in MAR
    residual_std: float = 0.5
    transformer: DiTConfig = field(default_factory=DiTConfig)
    diffusion: DiffLossConfig | None = field(default_factory=DiffLossConfig)
    phone_duration: PhoneDurationConfig | None = field(default_factory=PhoneDurationConfig)
    duration: DurationConfig | None = None
    vocoder: VocosConfig | None = field(default_factory=VocosConfig)
    aligner: AlignerConfig | None = None
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    quantization: QuantizationConfig | None = None

    def __post_init__(self) -> None:
        t, d = self.transformer, self.diffusion
        one_of("text.kind", self.text.kind, ("phonemes", "characters"))
        one_of("text.alignment", self.text.alignment, ("durations", "filler"))
        if not self.text.languages:
            raise UserError("config: text.languages names no language")
        one_of("predict", self.predict, ("clean", "velocity"))
        one_of("transformer.rope", t.rope, ("all_heads", "first_head"))
        if self.sampling.sampler is not None:
            one_of("sampling.sampler", self.sampling.sampler, SAMPLER_NAMES if d else ("ode",))
        one_of("sampling.method", self.sampling.method, ("euler", "midpoint", "rk4"))
        for name, section in (
            ("transformer", t),
            ("diffusion", d),
            ("phone_duration", self.phone_duration),
            ("duration", self.duration),
            ("vocoder", self.vocoder),
            ("aligner", self.aligner),
            ("sampling", self.sampling),
        ):
            if section is not None:
                check_sizes(name, section, len(self.text.vocab))
        if self.quantization is not None:
            q = self.quantization
            one_of("quantization.group_size", q.group_size, GROUP_SIZES)
            one_of("quantization.bits", q.bits, BITS)
            one_of("quantization.mode", q.mode, ("affine",))
        if not (0 <= self.sampling.cfg <= 20 and -1 <= self.sampling.sway_coef <= 1):
            raise UserError("config: sampling.cfg must be from 0 to 20, sampling.sway_coef from -1 to 1")
        if not (
            math.isfinite(self.mel.mean) and 0 < self.mel.std < math.inf and 0 < self.residual_std < math.inf
        ):
            raise UserError("config: mel.std and residual_std must be positive, and mel.mean a number")
        if self.vocoder is not None and self.vocoder.input_channels != t.mel_dim:
            raise UserError(
                f"config: vocoder.input_channels is {self.vocoder.input_channels}, "
                f"but transformer.mel_dim is {t.mel_dim}"
            )
        if self.aligner is not None and not self.aligner.temperature > 0:
            raise UserError("config: aligner.temperature must be positive")
        if self.duration and not self.phone_duration and self.text.alignment == "durations":
            raise UserError(
                'config: text.alignment "durations" needs phone_duration; duration gives one length for all'
            )
        if d is not None:
            one_of("diffusion.objective", d.objective, ("flow", "ddpm"))
            if d.target_channels != t.patch * t.mel_dim:
                raise UserError(
                    f"config: diffusion.target_channels is {d.target_channels}, "
                    f"but a token has patch x mel_dim = {t.patch * t.mel_dim} numbers"
                )
            if d.z_channels != t.dim:
                raise UserError(
                    f"config: diffusion.z_channels is {d.z_channels}, but transformer.dim is {t.dim}"
                )
            if d.regression and not self.residual:
                raise UserError("config: diffusion.regression needs residual: there is no mel regression")

    def to_dict(self) -> dict:
        """A dict for JSON; the inverse of `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict, where: str = "config") -> ModelConfig:
        """Parse a dict. Raises UserError for an unknown key or a wrong type."""
        return from_dict(cls, values, where)


def one_of(name: str, value: str | int, choices: tuple[str, ...] | tuple[int, ...]) -> None:
    if value not in choices:
        raise UserError(f"config: {name} must be one of {', '.join(map(str, choices))}, not {value!r}")


def check_sizes(name: str, section: DataclassInstance, symbols: int) -> None:
    """Raise UserError for sizes that no module can have, or that are too small for `symbols` text ids."""
    may_be_zero = ("depth", "conv_layers", "text_layers", "mel_layers", "lag", "context")
    sizes = {key: value for key, value in asdict(section).items() if isinstance(value, int)}
    for key, value in sizes.items():
        least = 0 if key in may_be_zero or isinstance(value, bool) else 1
        if value < least:
            raise UserError(f"config: {name}.{key} must be at least {least}, not {value}")
        most = MOST_LAYERS if key in LAYERS else LARGEST
        if value > most:
            raise UserError(f"config: {name}.{key} must be at most {most}, not {value}")
    for key, divisor in (
        ("dim", sizes.get("conv_pos_groups", 1)),
        ("dim_head", 2),  # rotary positions rotate pairs
        ("n_fft", 2 * sizes.get("hop_length", 1)),
    ):
        if sizes.get(key, 0) % divisor:
            raise UserError(f"config: {name}.{key} must be a multiple of {divisor}, not {sizes[key]}")
    for key in ("conv_pos_kernel", "kernel"):
        if not sizes.get(key, 1) % 2:
            raise UserError(f"config: {name}.{key} must be odd, not {sizes[key]}")
    if sizes.get("text_num_embeds", symbols) < symbols:
        raise UserError(
            f"config: {name}.text_num_embeds is {sizes['text_num_embeds']}, "
            f"but text.vocab has {symbols} symbols"
        )
