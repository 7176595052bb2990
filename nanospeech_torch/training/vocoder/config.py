"""The settings of the vocoder's training run."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanospeech_core.audio.mel import HOP, N_MELS
from nanospeech_core.config import VocosConfig, check_sizes
from nanospeech_core.errors import UserError

from ..config import EngineConfig, OptimizerConfig, WatchConfig, least, positive, share

RECONSTRUCTION = ("mel", "stft", "modulation", "phase")  # the losses of the resynthesis


@dataclass(frozen=True)
class VocoderDataConfig:
    """Where the audio is and how it is cut. Texts are not needed."""

    sources: tuple[str, ...] = ()  # glob patterns of audio files, of folders of them, or of tar shards
    # kept in memory by each process: one hour is 173 MB. The engine.workers share it where Python forks them
    # (on Linux, up to 3.13); elsewhere, as on macOS, each has a copy
    max_hours: float = 20.0
    # one recording in this many is kept for validation, at least one and at most half of them; 0: none
    hold_out_every: int = 100
    held_out_crops: int = 32  # of those; always the same
    crop_frames: int = 56  # 0.6 s
    batch_size: int = 16  # crops, on each process
    gain_db: float = 3.0  # each crop's level is changed by up to this, either way
    # share of the crops that are augmented (other speakers, rooms, sample rates): 4 ms each, so a GPU needs
    # engine.workers
    augment: float = 0.0
    predicted: str = ""  # a folder of `training.vocoder.predicted_mels`: NAME.npy, mels by a model
    predicted_share: float = 0.0  # of the crops of recordings that have one: those that use it

    def __post_init__(self) -> None:
        positive("data", self, "max_hours")
        least("data", self, 0, "hold_out_every", "gain_db")
        share("data", self, "augment", "predicted_share")
        least("data", self, 1, "held_out_crops", "batch_size")
        least("data", self, 8, "crop_frames")  # the longest windows of the losses reflect 4 frames
        if bool(self.predicted) != bool(self.predicted_share):
            raise UserError(
                "config: data.predicted and data.predicted_share go together: set both, or neither"
            )


@dataclass(frozen=True)
class VocoderLossConfig:
    """Weights of the losses. The adversarial ones begin at `adversarial_start` (a step); 0 means never.

    The discriminators receive a part of each batch, `adversarial_crops` crops of `adversarial_frames` frames:
    they cost more per second of audio than the vocoder does.
    """

    mel: float = 45.0
    stft: float = 20.0
    modulation: float = 20.0
    phase: float = 0.0
    adversarial: float = 1.0
    features: float = 2.0
    adversarial_start: int = 0
    adversarial_crops: int = 12
    adversarial_frames: int = 24
    discriminator_width: int = 16
    discriminator_learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        least("loss", self, 0, *RECONSTRUCTION, "adversarial", "features", "adversarial_start")
        least("loss", self, 1, "adversarial_crops", "discriminator_width")
        least("loss", self, 4, "adversarial_frames")
        positive("loss", self, "discriminator_learning_rate")
        if not (self.mel or self.stft or self.modulation):
            raise UserError("config: loss.mel, loss.stft and loss.modulation are all 0")


@dataclass(frozen=True)
class VocoderOptimizerConfig(OptimizerConfig):
    """As for any task, with a GAN's momentum and a high clip, because the losses' weights are large."""

    steps: int = 12_000
    learning_rate: float = 1e-3
    final_learning_rate: float = 5e-5
    warmup: int = 200
    betas: tuple[float, ...] = (0.8, 0.99)
    clip: float = 50.0


@dataclass(frozen=True)
class VocoderConfig:
    """`task = "vocoder"`: trains a small Vocos on audio alone, adversarially at the end if wanted."""

    task: str = "vocoder"
    out: str = "runs/vocoder"
    seed: int = 0
    # weights to start from: a run's checkpoint (.pt), a vocos.safetensors, a folder, a hub id, or "embedded"
    init_from: str = ""
    data: VocoderDataConfig = field(default_factory=VocoderDataConfig)
    loss: VocoderLossConfig = field(default_factory=VocoderLossConfig)
    optimizer: VocoderOptimizerConfig = field(default_factory=VocoderOptimizerConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    model: VocosConfig = field(default_factory=VocosConfig)

    def __post_init__(self) -> None:
        least("", self, 0, "seed")
        check_sizes("model", self.model, 0)
        if (self.model.input_channels, self.model.hop_length) != (N_MELS, HOP):
            raise UserError(
                f"config: model.input_channels must be {N_MELS} and model.hop_length {HOP}, to match the mel"
            )
        if self.watch.asr:
            raise UserError("config: a vocoder does not read texts: watch.asr must be empty")
