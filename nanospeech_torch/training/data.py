"""Training data: WebDataset shards (or folders) of audio + json, held in memory as log-mels, batched by length.

A json holds `phonemes` (one character a symbol) and `durations`: len(phonemes) + 2 integers, a leading pause, each symbol, a
trailing pause, in units of `duration_unit` samples at 24 kHz (600 where absent). The pauses carry the id of the space.
"""

from __future__ import annotations

import glob
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP, SAMPLE_RATE, log_mel

from .config import DataConfig

AUDIO = (".opus", ".ogg", ".flac", ".wav", ".mp3")
DURATION_UNIT = 600


@dataclass(frozen=True)
class Utterance:
    """One recording."""

    key: str
    voice: str
    text: str
    mel: np.ndarray  # float16 [frames, bins], not normalized
    ids: np.ndarray  # int64 [symbols], a pause at either end
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's length


def read_pairs(patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes, dict]]:
    """(key, audio bytes, json) of every item of the shards or folders, in order."""
    paths = sorted({p for pattern in patterns for p in glob.glob(pattern)})
    if not paths:
        raise UserError(
            f"no training data: nothing matches {', '.join(patterns) or 'data.shards (it is empty)'}"
        )
    for path in map(Path, paths):
        if path.is_dir():
            for meta in sorted(path.glob("*.json")):
                audio = next((meta.with_suffix(s) for s in AUDIO if meta.with_suffix(s).exists()), None)
                if audio is not None:
                    yield meta.stem, audio.read_bytes(), json.loads(meta.read_bytes())
            continue
        halves: dict[str, dict[str, bytes]] = {}
        with tarfile.open(path) as tar:
            for member in tar:
                if not member.isfile():
                    continue
                key, _, suffix = member.name.rpartition(".")
                half = halves.setdefault(key, {})
                half["json" if suffix == "json" else "audio"] = tar.extractfile(member).read()
                if len(half) == 2:
                    yield key, half["audio"], json.loads(half["json"])
                    del halves[key]


def frame_counts(durations: list[int], unit: int, frames: int) -> np.ndarray:
    """Whole frames of each symbol, by rounding the boundaries; the last symbol ends with the mel."""
    ends = np.round(np.cumsum(durations) * unit / HOP).astype(np.int64)
    ends = np.minimum(ends, frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def load_utterances(config: DataConfig, model: ModelConfig, report=print) -> list[Utterance]:
    """Read everything that fits the config; what is skipped is counted and reported, never silent."""
    import soundfile
    import soxr

    ids = {symbol: i for i, symbol in enumerate(model.text.vocab)}
    pause = ids[" "]
    kept, skipped = [], {}

    def skip(why: str) -> None:
        skipped[why] = skipped.get(why, 0) + 1

    for key, audio, meta in read_pairs(config.shards):
        if "phonemes" not in meta or "durations" not in meta:
            skip("no phonemes or durations")
            continue
        if len(meta["durations"]) != len(meta["phonemes"]) + 2:
            skip("durations that do not match the phonemes")
            continue
        try:
            wave, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            skip("unreadable audio")
            continue
        wave = wave.mean(1)
        if rate != SAMPLE_RATE:
            wave = soxr.resample(wave, rate, SAMPLE_RATE)
        if len(wave) > config.max_seconds * SAMPLE_RATE:
            skip(f"longer than {config.max_seconds:g} s")
            continue
        if len(wave) < HOP * 8:
            skip("too short")
            continue
        mel = log_mel(wave)
        symbols = [pause, *(ids.get(s, -1) for s in meta["phonemes"]), pause]
        frames = frame_counts(meta["durations"], meta.get("duration_unit", DURATION_UNIT), len(mel))
        kept.append(
            Utterance(
                key,
                meta.get("voice", key),
                meta.get("text", ""),
                mel.astype(np.float16),
                np.array(symbols, dtype=np.int64),
                frames,
            )
        )
    hours = sum(len(u.mel) for u in kept) * HOP / SAMPLE_RATE / 3600
    report(f"{len(kept)} utterances, {hours:.2f} h, {len({u.voice for u in kept})} voices")
    for why, count in sorted(skipped.items()):
        report(f"skipped {count}: {why}")
    if not kept:
        raise UserError("no training data: every item was skipped")
    return kept


@dataclass
class Batch:
    """Padded sequences; the tokens are normalized."""

    tokens: torch.Tensor  # float32 [batch, tokens, patch * bins]
    text: torch.Tensor  # int64 [batch, tokens * patch], an id per frame, -1 where padded
    mask: torch.Tensor  # bool [batch, tokens]
    first: (
        torch.Tensor
    )  # int64 [batch]: tokens of the first utterance of a joined sequence, 0 where there is one only
    ids: torch.Tensor  # int64 [batch, symbols], -1 where padded
    frames: torch.Tensor  # float32 [batch, symbols]
    first_symbols: torch.Tensor  # int64 [batch], like `first`

    def to(self, device: torch.device) -> Batch:
        return Batch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


def collate(sequences: list[list[Utterance]], model: ModelConfig) -> Batch:
    """Join each sequence's utterances and pad the batch."""
    patch, bins = model.transformer.patch, model.transformer.mel_dim
    mels = [np.concatenate([u.mel for u in s]) for s in sequences]
    counts = [len(m) // patch for m in mels]
    symbols = [np.concatenate([u.ids for u in s]) for s in sequences]
    durations = [np.concatenate([u.frames for u in s]) for s in sequences]
    rows, n, k = len(sequences), max(counts), max(map(len, symbols))
    tokens = np.zeros((rows, n, patch * bins), dtype=np.float32)
    text = np.full((rows, n * patch), -1, dtype=np.int64)
    mask = np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, k), -1, dtype=np.int64)
    frames = np.zeros((rows, k), dtype=np.float32)
    for i, (mel, count, symbol, duration) in enumerate(zip(mels, counts, symbols, durations, strict=True)):
        used = count * patch
        clean = (mel[:used].astype(np.float32) - model.mel.mean) / model.mel.std
        tokens[i, :count] = clean.reshape(count, -1)
        text[i, :used] = np.repeat(symbol, duration)[:used]
        mask[i, :count] = True
        ids[i, : len(symbol)] = symbol
        frames[i, : len(symbol)] = duration
    first = [len(s[0].mel) // patch if len(s) > 1 else 0 for s in sequences]
    first_symbols = [len(s[0].ids) if len(s) > 1 else 0 for s in sequences]
    arrays = (tokens, text, mask, np.array(first), ids, frames, np.array(first_symbols))
    return Batch(*map(torch.from_numpy, arrays))


def join(utterances: list[Utterance], config: DataConfig, rng: np.random.Generator) -> list[list[Utterance]]:
    """Shuffle, then join neighbours of one voice into sequences of at most `max_seconds`. Every utterance appears once."""
    limit = int(config.max_seconds * SAMPLE_RATE / HOP)
    by_voice: dict[str, list[Utterance]] = {}
    for i in rng.permutation(len(utterances)):
        by_voice.setdefault(utterances[i].voice, []).append(utterances[i])
    sequences = []
    for items in by_voice.values():
        current, want = [], 0
        for u in items:
            full = current and (len(current) >= want or sum(len(c.mel) for c in current) + len(u.mel) > limit)
            if full:
                sequences.append(current)
                current = []
            if not current:
                want = int(rng.integers(1, config.max_joined + 1))
            current.append(u)
        sequences.append(current)
    return sequences


def batches(
    utterances: list[Utterance], config: DataConfig, model: ModelConfig, seed: int, start: int = 0
) -> Iterator[Batch]:
    """Endless batches of at most `batch_seconds` of padded audio, similar lengths together; nothing is dropped.

    The stream depends on `seed` only; `start` skips that many batches, for resuming.
    """
    limit = config.batch_seconds * SAMPLE_RATE / HOP
    epoch, index = 0, 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        sequences = join(utterances, config, rng)
        length = [sum(len(u.mel) for u in s) * rng.uniform(0.9, 1.1) for s in sequences]
        groups, group, longest = [], [], 0
        for i in np.argsort(length):
            frames = sum(len(u.mel) for u in sequences[i])
            if group and max(longest, frames) * (len(group) + 1) > limit:
                groups.append(group)
                group, longest = [], 0
            group.append(sequences[i])
            longest = max(longest, frames)
        groups.append(group)
        for g in rng.permutation(len(groups)):
            if index >= start:
                yield collate(groups[g], model)
            index += 1
        epoch += 1
