"""Audio for the vocoder: files, folders and tar shards, in memory as 16-bit samples, cropped at random."""

from __future__ import annotations

import glob
import itertools
import math
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, N_MELS, SAMPLE_RATE
from nanospeech_core.errors import UserError

from ..data.batch import batch_seed, map_tensors
from ..data.corpus import Skip, read_wave
from ..data.shards import TAR_ERRORS, StrictTarInfo, kind_of, tar_members
from .config import RECONSTRUCTION, VocoderDataConfig

MIN_SECONDS = 0.25
DECODED_AT_ONCE = 64  # audio files
MAX_SPEED = 1.25  # of `elsewhere`


@dataclass(frozen=True)
class Recording:
    """One audio file."""

    name: str  # with its suffix, without folders
    samples: np.ndarray  # int16 [samples], mono, 24 kHz
    key: str = ""  # the utterance's, by which its predicted mel is found
    predicted: np.ndarray | None = None  # float16 [frames, bins], its log-mel as a model speaks it


@dataclass(frozen=True)
class CropBatch:
    """Crops to be made again from their mel."""

    wave: Tensor  # float32 [crops, samples]
    judged: int  # crops that the discriminators hear, the first ones
    predicted: Tensor | None = None  # float32 [crops, frames, bins]: what some are made again from instead
    has_predicted: Tensor | None = None  # bool [crops]: which

    @property
    def counts(self) -> dict[str, float]:
        """What each loss is a mean over: crops."""
        crops, judged = float(len(self.wave)), float(self.judged)
        everywhere = dict.fromkeys(RECONSTRUCTION, crops)
        return everywhere | dict.fromkeys(("discriminator", "adversarial", "features"), judged)

    @property
    def seconds(self) -> float:
        return self.wave.numel() / SAMPLE_RATE

    def to(self, device: torch.device) -> CropBatch:
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> CropBatch:
        return map_tensors(self, lambda tensor: tensor.pin_memory())

    def source(self, mel: Tensor) -> Tensor:
        """What the first crops are made again from, given their own mels: [count, frames, bins], both."""
        if self.predicted is None:
            return mel
        count = len(mel)
        return torch.where(self.has_predicted[:count, None, None], self.predicted[:count], mel)


class Crops:
    """Random crops of recordings, at a probability proportional to their length.

    The crops are numbered, and what is random about one depends on its number and the seed alone: a batch of
    twice the size is two batches, and a run goes on with the very next crop.
    """

    def __init__(
        self,
        recordings: list[Recording],
        crop_frames: int,
        gain_db: float,
        seed: int,
        augment: float = 0.0,
        predicted_share: float = 0.0,
    ):
        self.recordings = recordings
        self.samples = crop_frames * HOP
        self.gain_db = gain_db
        self.seed = seed
        self.augment = augment
        self.predicted_share = predicted_share
        self.ends = np.cumsum([len(recording.samples) for recording in recordings])

    def batch(self, number: int, size: int, judged: int = 0) -> CropBatch:
        """Batch `number` of `size` crops each."""
        crops = [self.crop(crop) for crop in range(number * size, (number + 1) * size)]
        wave = torch.from_numpy(np.stack([wave for wave, _ in crops]))
        if not self.predicted_share:
            return CropBatch(wave, judged)
        blank = np.zeros((self.samples // HOP + 1, N_MELS), dtype=np.float32)
        mels = np.stack([blank if mel is None else mel for _, mel in crops])
        has = torch.tensor([mel is not None for _, mel in crops])
        return CropBatch(wave, judged, torch.from_numpy(mels), has)

    def crop(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """float32 [crop_frames * 256], and if a model speaks it, its log-mel [crop_frames + 1, bins].

        A recording shorter than the crop is followed by silence.
        """
        rng = np.random.default_rng(batch_seed(self.seed, number))
        chosen = np.searchsorted(self.ends, rng.integers(self.ends[-1]), side="right")
        recording, mel = self.recordings[chosen].samples, self.recordings[chosen].predicted
        frames = self.samples // HOP + 1
        told = self.predicted_share and mel is not None and rng.uniform() < self.predicted_share
        if told and len(mel) >= frames:
            first = rng.integers(len(mel) - frames + 1)
            mel, start, wanted = mel[first : first + frames], first * HOP, self.samples
        else:
            mel, wanted = None, int(self.samples * MAX_SPEED) if self.augment else self.samples
            start = rng.integers(max(len(recording) - wanted, 0) + 1)
        piece = recording[start : start + wanted]
        gain = 10.0 ** (rng.uniform(-self.gain_db, self.gain_db) / 20.0)
        if mel is not None:
            louder = mel.astype(np.float32) + np.float32(np.log(gain))
            mel = np.maximum(louder, np.float32(np.log(LOG_FLOOR)))
        elif self.augment and rng.uniform() < self.augment:
            piece = elsewhere(piece, rng)
        piece = piece[: self.samples]
        crop = np.zeros(self.samples, dtype=np.float32)
        crop[: len(piece)] = np.clip(piece * np.float32(gain / 32768.0), -1.0, 1.0)
        return crop, mel


def elsewhere(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Samples [n] in int16's range as another speaker, microphone, room and sample rate might have made them.

    Each change is drawn by itself: played faster or slower (pitch and vocal tract), filtered (a tilt and slow
    waves), noise under it, and its treble cut off as sharply as resampling from 7 to 20 kHz does. One trained
    on clean synthetic speech alone keeps people's recordings intelligible, but no more.
    """
    if rng.uniform() < 0.5:
        import soxr

        speed = rng.uniform(1 / MAX_SPEED, MAX_SPEED)
        samples = soxr.resample(samples.astype(np.float32), SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
    n = len(samples)
    spectrum = np.fft.rfft(samples, 2 * n)  # twice the length: filters do not wrap around
    hz = np.fft.rfftfreq(2 * n, 1 / SAMPLE_RATE)
    if rng.uniform() < 0.7:
        spectrum *= coloration(hz, rng, tilt=1.5, ripple=1.5, most=15.0)
    if rng.uniform() < 0.5:
        noise = rng.standard_normal(2 * n) * np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
        tilt = 2.0 ** (-0.5 * rng.uniform(0.0, 1.5) * octaves_of(hz))  # white to nearly red
        spectrum += np.fft.rfft(noise) * tilt * 10.0 ** (rng.uniform(-70.0, -20.0) / 20.0)
    if rng.uniform() < 0.6:
        cutoff = np.exp(rng.uniform(np.log(3500.0), np.log(10_000.0)))
        spectrum *= np.clip((cutoff - hz) / (0.05 * cutoff) + 1.0, 0.0, 1.0)
    return np.fft.irfft(spectrum, 2 * n)[:n]


def coloration(
    hz: np.ndarray, rng: np.random.Generator, tilt: float, ripple: float, most: float
) -> np.ndarray:
    """A microphone's or a room's gain at each frequency: a tilt and slow waves over the octaves.

    tilt, ripple: their standard deviations, in dB an octave and in dB; most: dB, of the gain either way.
    """
    octaves = octaves_of(hz)
    db = rng.normal(0.0, tilt) * octaves
    for waves in (0.15, 0.3, 0.6):  # an octave
        db = db + rng.normal(0.0, ripple) * np.cos(2 * np.pi * (waves * octaves + rng.uniform()))
    return 10.0 ** (np.clip(db, -most, most) / 20.0)


def octaves_of(hz: np.ndarray) -> np.ndarray:
    """Above 1 kHz; all below 50 Hz are as 50 Hz."""
    return np.log2(np.maximum(hz, 50.0) / 1000.0)


def read_recordings(
    config: VocoderDataConfig, seed: int, report: Callable[[str], object] = print
) -> tuple[list[Recording], list[Recording]]:
    """(for training, held out): up to `config.max_hours` of the sources, in an order that the seed gives.

    See `split` for what is held out. What is broken is counted and reported.

    Raises:
        UserError: nothing matches, a shard or folder cannot be read, or either list would be empty.
    """
    paths = sorted({path for pattern in config.sources for path in glob.glob(pattern)})
    if not paths:
        wanted = ", ".join(config.sources) or "data.sources (it is empty)"
        raise UserError(f"no data: nothing matches {wanted}")
    np.random.default_rng(seed).shuffle(paths)
    if config.predicted and not any(Path(config.predicted).glob("*.npy")):
        raise UserError(f"data.predicted: there are no NAME.npy in {config.predicted}")
    recordings, skipped = [], Counter()
    limit, total = config.max_hours * 3600 * SAMPLE_RATE, 0
    for found in decode(file for path in paths for file in audio_files(Path(path))):
        if isinstance(found, Skip):
            skipped[str(found)] += 1
            continue
        recordings.append(found)
        total += len(found.samples)
        if total >= limit:
            report(f"the first {config.max_hours:g} h (data.max_hours) of the sources are taken")
            break
    training, held_out = split(recordings, config.hold_out_every)
    hours = total / SAMPLE_RATE / 3600
    report(f"{len(recordings)} recordings, {hours:.2f} h, {len(held_out)} of them held out")
    if config.predicted:
        folder = Path(config.predicted)
        training = [replace(recording, predicted=read_predicted(recording, folder)) for recording in training]
        count = sum(recording.predicted is not None for recording in training)
        report(f"{count} of the recordings have predicted mels")
    for reason, count in sorted(skipped.items()):
        report(f"skipped {count}: {reason}")
    if not training or (config.hold_out_every and not held_out):
        reasons = f"; skipped: {', '.join(sorted(skipped))}" if skipped else ""
        raise UserError(
            f"data.sources gave {len(training)} recordings to train on and {len(held_out)} to hold out; "
            f"both are needed (data.hold_out_every sets the share, 0 holds out none){reasons}"
        )
    return training, held_out


def split(recordings: list[Recording], every: int) -> tuple[list[Recording], list[Recording]]:
    """(for training, held out), by checksums of the names: added files do not hold out what was trained on.

    Held out are the smallest remainders by `every`: all zeros, but at least one recording and at most half of
    them, for among few recordings there may be none or all. `every` 0 holds out none.
    """
    if not every:
        return recordings, []
    checksums = {recording.name: zlib.crc32(recording.name.encode()) for recording in recordings}

    def rank(recording: Recording) -> tuple[int, int, int]:
        checksum = checksums[recording.name]  # the samples tell apart what has one name in several folders
        return checksum % every, checksum, zlib.crc32(recording.samples)

    half = sorted(recordings, key=rank)[: len(recordings) // 2]
    held_out = [r for i, r in enumerate(half) if i == 0 or checksums[r.name] % every == 0]
    chosen = set(map(id, held_out))
    return [recording for recording in recordings if id(recording) not in chosen], held_out


def predicted_path(folder: Path, key: str) -> Path:
    """Where `training.predicted` writes the mel of an utterance; keys may have folders."""
    return folder / f"{key.replace('/', '-')}.npy"


def read_predicted(recording: Recording, folder: Path) -> np.ndarray | None:
    """What `training.predicted` made of a recording; None where there is nothing. Raises UserError."""
    path = predicted_path(folder, recording.key)
    if not path.exists():
        return None
    try:
        mel = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if mel.ndim != 2 or mel.shape[1] != N_MELS or len(mel) > len(recording.samples) // HOP + 1:
        raise UserError(f"{path} is no log-mel of {recording.name}: its shape is {mel.shape}")
    return mel.astype(np.float16)


def audio_files(path: Path) -> Iterator[tuple[str, str, bytes | Path]]:
    """(key, name, content or place) of the audio of a path: a file, a folder of files, or a tar shard."""
    if path.is_dir():
        try:
            found = sorted(path.iterdir())
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error
        heard = (file for file in found if kind_of(file.name) == "audio" and file.is_file())
        yield from ((file.stem, file.name, file) for file in heard)
    elif kind_of(path.name) == "audio":
        yield path.stem, path.name, path
    elif ".tar" in path.suffixes or path.suffix == ".tgz":
        try:
            with tarfile.open(path, tarinfo=StrictTarInfo) as tar:
                for key, kind, member in tar_members(tar):
                    if kind == "audio":
                        yield key, Path(member.name).name, tar.extractfile(member).read()
        except TAR_ERRORS as error:
            raise UserError(f"cannot read the shard {path}: {error}") from error


def decode(files: Iterator[tuple[str, str, bytes | Path]]) -> Iterator[Recording | Skip]:
    """The recordings of files, in their order, or why one is left out."""
    with ThreadPoolExecutor() as pool:  # decoding releases Python's lock
        while chunk := list(itertools.islice(files, DECODED_AT_ONCE)):
            yield from pool.map(decode_one, chunk)


def decode_one(file: tuple[str, str, bytes | Path]) -> Recording | Skip:
    key, name, content = file
    try:
        wave = read_wave(content.read_bytes() if isinstance(content, Path) else content, math.inf)
        if len(wave) < MIN_SECONDS * SAMPLE_RATE:
            raise Skip(f"shorter than {MIN_SECONDS:g} s")
    except OSError:
        return Skip("unreadable audio")
    except Skip as reason:
        return reason
    return Recording(name, np.clip(np.round(wave * 32768.0), -32768, 32767).astype(np.int16), key)
