"""Audio for the vocoder: files and WebDataset shards, held in memory as 16-bit samples, cropped at random."""

from __future__ import annotations

import glob
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP, SAMPLE_RATE

from .vocoder_config import DataConfig

AUDIO_SUFFIXES = (".opus", ".flac", ".wav", ".ogg", ".mp3")


class Crops:
    """Random crops of recordings, at a probability proportional to their length."""

    def __init__(self, recordings: list[np.ndarray], crop_frames: int, gain_db: float):
        self.recordings = recordings
        self.samples = crop_frames * HOP
        self.gain_db = gain_db
        self.ends = np.cumsum([len(r) for r in recordings])

    def batch(self, rng: np.random.Generator, size: int) -> torch.Tensor:
        """float32 [size, crop_frames * 256]; a recording shorter than the crop is followed by silence."""
        out = np.zeros((size, self.samples), dtype=np.float32)
        for row in out:
            recording = self.recordings[np.searchsorted(self.ends, rng.integers(self.ends[-1]), side="right")]
            start = rng.integers(max(len(recording) - self.samples, 0) + 1)
            piece = recording[start : start + self.samples]
            gain = 10.0 ** (rng.uniform(-self.gain_db, self.gain_db) / 20.0)
            row[: len(piece)] = np.clip(piece * np.float32(gain / 32768.0), -1.0, 1.0)
        return torch.from_numpy(out)


def load_recordings(config: DataConfig, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read the sources into (training, held-out) lists of int16 [samples] at 24 kHz.

    A recording is held out by a checksum of its file name, so that added files do not change the split.
    Raises UserError when nothing is found, a file cannot be read, or either list would be empty.
    """
    paths = sorted(path for pattern in config.sources for path in glob.glob(pattern))
    if not paths:
        raise UserError(f"no file matches data.sources: {', '.join(config.sources) or 'the list is empty'}")
    np.random.default_rng(seed).shuffle(paths)
    limit, total = config.max_hours * 3600 * SAMPLE_RATE, 0
    training, held_out = [], []
    for name, stream in _audio_streams(paths):
        recording = _read_int16(name, stream)
        if len(recording) <= SAMPLE_RATE // 4:
            continue
        chosen = held_out if zlib.crc32(Path(name).name.encode()) % config.hold_out_every == 0 else training
        chosen.append(recording)
        total += len(recording)
        if total >= limit:
            break
    if not training or not held_out:
        raise UserError(
            f"data.sources gave {len(training)} recordings to train on and {len(held_out)} to hold out; "
            "both are needed (data.hold_out_every sets the share)"
        )
    return training, held_out


def _audio_streams(paths: list[str]) -> Iterator[tuple[str, Path | io.BytesIO]]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from ((str(p), p) for p in sorted(path.iterdir()) if p.suffix in AUDIO_SUFFIXES)
        elif path.suffix == ".tar":
            try:
                with tarfile.open(path) as shard:
                    for member in shard:
                        if member.isfile() and Path(member.name).suffix in AUDIO_SUFFIXES:
                            yield member.name, io.BytesIO(shard.extractfile(member).read())
            except tarfile.TarError as error:
                raise UserError(f"{path} is not a readable tar shard: {error}") from error
        elif path.suffix in AUDIO_SUFFIXES:
            yield str(path), path


def _read_int16(name: str, stream: Path | io.BytesIO) -> np.ndarray:
    import soundfile
    import soxr

    try:
        wave, rate = soundfile.read(stream, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"cannot read audio from {name}: {error}") from error
    mono = wave[:, 0] if wave.shape[1] == 1 else wave.mean(axis=1).astype(np.int16)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE)
