"""Training data: utterances held in memory as log-mels, joined into sequences, batched by length.

An utterance's json holds `phonemes` (`text` for models that read characters; one character a symbol) and
`durations`: len(symbols) + 2 numbers, a leading pause, each symbol, a trailing pause, in units of
`duration_unit` samples at 24 kHz (600 where absent). The pauses carry the id of the space. `voice` and `text`
may be absent.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch

from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP, N_MELS, SAMPLE_RATE, log_mel

from .config import DataConfig
from .shards import read_pairs

DURATION_UNIT = 600
TOLERANCE = 0.1  # seconds by which durations and audio may differ: codecs pad
MIN_FRAMES = 8


@dataclass(frozen=True)
class Utterance:
    """One recording."""

    key: str
    voice: str
    text: str
    mel: np.ndarray  # float16 [frames, bins], not normalized
    ids: np.ndarray  # int64 [symbols], a pause at either end, -1 where the vocabulary lacks a symbol
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's length


@dataclass(frozen=True)
class Batch:
    """Padded sequences; the tokens are normalized."""

    tokens: torch.Tensor  # float32 [batch, tokens, patch * bins]
    text: torch.Tensor  # int64 [batch, tokens * patch], an id per frame, -1 where there is none
    mask: torch.Tensor  # bool [batch, tokens], false where padded
    first: torch.Tensor  # int64 [batch]: whole tokens of the first of several utterances, 0 of a single one
    ids: torch.Tensor  # int64 [batch, symbols], -1 where there is none
    frames: torch.Tensor  # float32 [batch, symbols]
    first_symbols: torch.Tensor  # int64 [batch], like `first`

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class Skip(Exception):
    """Why an utterance is left out."""


def load_utterances(
    config: DataConfig, model: ModelConfig, report: Callable[[str], object] = print
) -> list[Utterance]:
    """Read everything that fits the config; what is skipped is counted and reported.

    Raises:
        UserError: nothing matches, a shard cannot be read, or nothing in them fits.
    """
    if model.transformer.mel_dim != N_MELS:
        raise UserError(
            f"config: transformer.mel_dim is {model.transformer.mel_dim}; a mel has {N_MELS} bins"
        )
    kept: list[Utterance] = []
    skipped: Counter[str] = Counter()
    for key, audio, meta in read_pairs(config.shards, lambda reason: skipped.update([reason])):
        try:
            kept.append(read_utterance(key, audio, meta, config, model))
        except Skip as reason:
            skipped[str(reason)] += 1
    hours = sum(len(u.mel) for u in kept) * HOP / SAMPLE_RATE / 3600
    report(f"{len(kept)} utterances, {hours:.2f} h, {len({u.voice for u in kept})} voices")
    for reason, count in sorted(skipped.items()):
        report(f"skipped {count}: {reason}")
    unknown = sum(int((u.ids < 0).sum()) for u in kept)
    if unknown:
        report(f"{unknown} symbols are not in the vocabulary and are left without text")
    if not kept:
        raise UserError(
            f"no data: all {skipped.total()} utterances were skipped ({', '.join(sorted(skipped))})"
        )
    return kept


def read_utterance(key: str, audio: bytes, meta: dict, config: DataConfig, model: ModelConfig) -> Utterance:
    """Decode and check one utterance. Raises Skip where it cannot be trained on."""
    symbols_key = "phonemes" if model.text.kind == "phonemes" else "text"
    symbols, durations = meta.get(symbols_key), meta.get("durations")
    unit = meta.get("duration_unit", DURATION_UNIT)
    if not (symbols and isinstance(symbols, str)):
        raise Skip(f"no {symbols_key}")
    if not (numbers(durations) and numbers([unit]) and unit > 0):
        raise Skip("no durations")
    if len(durations) != len(symbols) + 2:
        raise Skip(f"durations that do not match the {symbols_key}")
    wave = read_wave(audio, config.max_seconds)
    if abs(sum(durations) * unit - len(wave)) > TOLERANCE * SAMPLE_RATE:
        raise Skip("durations that do not add up to the audio's")
    mel = log_mel(wave)
    if len(mel) < max(MIN_FRAMES, model.transformer.patch):
        raise Skip("too short")
    vocab = {symbol: i for i, symbol in enumerate(model.text.vocab)}
    ids = [vocab[" "], *(vocab.get(symbol, -1) for symbol in symbols), vocab[" "]]
    return Utterance(
        key=key,
        voice=str(meta.get("voice", key)),
        text=str(meta.get("text", "")),
        mel=mel.astype(np.float16),
        ids=np.array(ids, dtype=np.int64),
        frames=frame_counts(durations, unit, len(mel)),
    )


def numbers(values) -> bool:
    """Whether this is a list of finite numbers, none of them negative."""
    return isinstance(values, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v < 1e9 for v in values
    )


def read_wave(audio: bytes, max_seconds: float) -> np.ndarray:
    """An audio file's content -> float32 [samples], mono, 24 kHz. Raises Skip."""
    import soundfile
    import soxr

    try:
        wave, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise Skip("unreadable audio") from error
    if len(wave) > max_seconds * rate:
        raise Skip(f"longer than {max_seconds:g} s")
    if not len(wave):
        raise Skip("too short")
    if not np.isfinite(wave).all():
        raise Skip("audio with values that are not finite")
    wave = wave.mean(axis=1)
    return wave if rate == SAMPLE_RATE else soxr.resample(wave, rate, SAMPLE_RATE)


def frame_counts(durations: list[float], unit: float, frames: int) -> np.ndarray:
    """Whole frames of each symbol, int64, by rounding the boundaries; the last symbol ends with the mel."""
    ends = np.round(np.cumsum(durations) * unit / HOP).astype(np.int64)
    ends = np.minimum(ends, frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def split(utterances: list[Utterance], held_out: int) -> tuple[list[Utterance], list[Utterance]]:
    """(held out, for training). Held out are the smallest checksums of the keys.

    So what was trained on is never held out later, however much data is added.
    """
    ranked = sorted(utterances, key=lambda u: (zlib.crc32(u.key.encode()), u.key))
    chosen = {u.key for u in ranked[:held_out]}
    training = [u for u in utterances if u.key not in chosen]
    if not training:
        raise UserError(
            f"no data is left to train on: data.held_out is {held_out}, of {len(utterances)} utterances"
        )
    return ranked[:held_out], training


def collate(sequences: list[list[Utterance]], model: ModelConfig) -> Batch:
    """Join each sequence's utterances and pad the batch; frames that fill no token are cut off at the end."""
    patch, bins = model.transformer.patch, model.transformer.mel_dim
    mels = [np.concatenate([u.mel for u in s]) for s in sequences]
    symbols = [np.concatenate([u.ids for u in s]) for s in sequences]
    durations = [np.concatenate([u.frames for u in s]) for s in sequences]
    rows, n, k = len(sequences), max(map(len, mels)) // patch, max(map(len, symbols))
    tokens = np.zeros((rows, n, patch * bins), dtype=np.float32)
    text = np.full((rows, n * patch), -1, dtype=np.int64)
    mask = np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, k), -1, dtype=np.int64)
    frames = np.zeros((rows, k), dtype=np.float32)
    for i, (mel, symbol, duration) in enumerate(zip(mels, symbols, durations, strict=True)):
        count = len(mel) // patch
        clean = (mel[: count * patch].astype(np.float32) - model.mel.mean) / model.mel.std
        tokens[i, :count] = clean.reshape(count, -1)
        text[i, : count * patch] = np.repeat(symbol, duration)[: count * patch]
        mask[i, :count] = True
        ids[i, : len(symbol)] = symbol
        frames[i, : len(symbol)] = duration
    first = [len(s[0].mel) // patch if len(s) > 1 else 0 for s in sequences]
    first_symbols = [len(s[0].ids) if len(s) > 1 else 0 for s in sequences]
    arrays = (tokens, text, mask, np.array(first), ids, frames, np.array(first_symbols))
    return Batch(*map(torch.from_numpy, arrays))


def frames_of(sequence: list[Utterance]) -> int:
    return sum(len(u.mel) for u in sequence)


def join(utterances: list[Utterance], config: DataConfig, rng: np.random.Generator) -> list[list[Utterance]]:
    """Shuffle, then join neighbours of one voice into sequences; every utterance is in one of them.

    A joined sequence has at most `max_joined` utterances and lasts at most `max_seconds`.
    """
    limit = int(config.max_seconds * SAMPLE_RATE / HOP)
    by_voice: dict[str, list[Utterance]] = {}
    for i in rng.permutation(len(utterances)):
        by_voice.setdefault(utterances[i].voice, []).append(utterances[i])
    sequences = []
    for items in by_voice.values():
        current: list[Utterance] = []
        want = int(rng.integers(1, config.max_joined + 1))
        for u in items:
            if current and (len(current) == want or frames_of(current) + len(u.mel) > limit):
                sequences.append(current)
                current = []
                want = int(rng.integers(1, config.max_joined + 1))
            current.append(u)
        sequences.append(current)
    return sequences


def group(
    sequences: list[list[Utterance]], order: np.ndarray, config: DataConfig
) -> list[list[list[Utterance]]]:
    """Batches of neighbours in `order`, at most `batch_seconds` when padded; a longer sequence is alone."""
    limit = config.batch_seconds * SAMPLE_RATE / HOP
    groups: list[list[list[Utterance]]] = []
    longest = 0
    for i in order:
        frames = frames_of(sequences[i])
        if groups and max(longest, frames) * (len(groups[-1]) + 1) <= limit:
            groups[-1].append(sequences[i])
            longest = max(longest, frames)
        else:
            groups.append([sequences[i]])
            longest = frames
    return groups


def batches(
    utterances: list[Utterance], config: DataConfig, model: ModelConfig, seed: int, start: int = 0
) -> Iterator[Batch]:
    """Endless batches, similar lengths together, in random order; an epoch holds every utterance once.

    The stream depends on the utterances, the config and `seed` only. `start` skips that many batches, for
    resuming.
    """
    epoch = 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        sequences = join(utterances, config, rng)
        lengths = np.array([frames_of(s) for s in sequences]) * rng.uniform(0.9, 1.1, len(sequences))
        groups = group(sequences, np.argsort(lengths), config)
        for i in rng.permutation(len(groups))[start:]:
            yield collate(groups[i], model)
        start = max(0, start - len(groups))
        epoch += 1
