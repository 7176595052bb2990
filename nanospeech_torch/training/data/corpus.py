"""The index of a corpus: what its prepared shards hold, without the audio, which is read where it lies.

An utterance's json holds `phonemes` (`text` for models that read characters; one character a symbol) and, for
models aligned by durations, `durations`: len(symbols) + 2 numbers, a leading pause, each symbol, a trailing
pause, in units of `duration_unit` samples at 24 kHz (600 where absent). The pauses carry the id of the space.
`voice`, `text` and `samples` (at 24 kHz) may be absent.
"""

from __future__ import annotations

import glob
import io
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanospeech_core.audio.mel import HOP, N_MELS, SAMPLE_RATE
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError

from ..config import DataConfig
from .shards import TAR_ERRORS, StrictTarInfo, kind_of, parse, tar_members

DURATION_UNIT = 600
TOLERANCE = 0.1  # seconds by which durations and audio may differ: codecs pad
MIN_FRAMES = 8


class Skip(Exception):
    """Why an utterance is left out."""


@dataclass(frozen=True)
class Place:
    """Where an audio file lies: a file of its own, or bytes of a tar file."""

    path: str
    offset: int = 0
    size: int = -1  # -1: to the end

    def read(self) -> bytes:
        """The bytes. Raises Skip."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError as error:
            raise Skip("unreadable audio") from error


@dataclass(frozen=True)
class Item:
    """One utterance of the index."""

    key: str
    voice: str
    text: str
    ids: (
        np.ndarray
    )  # int16 [symbols], -1 where the vocabulary lacks a symbol; "durations": a pause at either end
    durations: np.ndarray | None  # float32 [symbols], in samples at 24 kHz; None: alignment "filler"
    samples: int  # at 24 kHz
    place: Place

    @property
    def frames(self) -> int:
        """Of its mel."""
        return self.samples // HOP + 1


def read_index(
    config: DataConfig,
    model: ModelConfig,
    report: Callable[[str], object] = print,
    durations: bool | None = None,
) -> list[Item]:
    """Every utterance that fits the config; what is skipped is counted and reported.

    Args:
        config: of which `shards` and `max_seconds` are read.
        model: for its vocabulary.
        report: called with a line of text.
        durations: whether an utterance needs them; None: as the model's alignment does.
    Raises:
        UserError: nothing matches, a shard cannot be read, or nothing in them fits.
    """
    if model.transformer.mel_dim != N_MELS:
        raise UserError(
            f"config: transformer.mel_dim is {model.transformer.mel_dim}; a mel has {N_MELS} bins"
        )
    if durations is None:
        durations = model.text.alignment == "durations"
    kept: list[Item] = []
    skipped: Counter[str] = Counter()
    for key, place, meta in read_places(config.shards, lambda reason: skipped.update([reason])):
        try:
            kept.append(make_item(key, place, meta, config.max_seconds, model, durations))
        except Skip as reason:
            skipped[str(reason)] += 1
    hours = sum(item.samples for item in kept) / SAMPLE_RATE / 3600
    report(f"{len(kept)} utterances, {hours:.2f} h, {len({item.voice for item in kept})} voices")
    for reason, count in sorted(skipped.items()):
        report(f"skipped {count}: {reason}")
    unknown = sum(int((item.ids < 0).sum()) for item in kept)
    if unknown:
        report(f"{unknown} symbols are not in the vocabulary and are left without text")
    if not kept:
        reasons = ", ".join(sorted(skipped)) or "the shards are empty"
        raise UserError(f"no data: all {skipped.total()} utterances were skipped ({reasons})")
    return kept


def make_item(
    key: str, place: Place, meta: dict, max_seconds: float, model: ModelConfig, needs_durations: bool
) -> Item:
    """Check what the json says. Raises Skip where it cannot be trained on."""
    kind = "phonemes" if model.text.kind == "phonemes" else "text"
    symbols, durations, unit = meta.get(kind), meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not (symbols and isinstance(symbols, str)):
        raise Skip(f"no {kind}")
    ends = None
    if needs_durations:
        if not (numbers(durations) and numbers([unit]) and unit > 0):
            raise Skip("no durations")
        if len(durations) != len(symbols) + 2:
            raise Skip(f"durations that do not match the {kind}")
        ends = np.array(durations, dtype=np.float32) * unit
    samples = meta.get("samples")
    if not (numbers([samples]) and samples):
        samples = float(ends.sum()) if ends is not None else count_samples(place)
    samples = round(samples)
    if ends is not None and abs(float(ends.sum()) - samples) > TOLERANCE * SAMPLE_RATE:
        raise Skip("durations that do not add up to the audio's")
    if samples > max_seconds * SAMPLE_RATE:
        raise Skip(f"longer than {max_seconds:g} s")
    if samples // HOP + 1 < max(MIN_FRAMES, model.transformer.patch, len(symbols) + 2 if ends is None else 0):
        raise Skip("too short")
    voice = meta.get("voice")
    vocab = vocabulary(model)
    ids = [vocab.get(symbol, -1) for symbol in symbols]
    if model.text.alignment == "durations":
        ids = [vocab[" "], *ids, vocab[" "]]
    return Item(
        key=key,
        voice=key if voice in (None, "") else str(voice),
        text=str(meta.get("text") or ""),
        ids=np.array(ids, dtype=np.int16),
        durations=ends,
        samples=samples,
        place=place,
    )


def vocabulary(model: ModelConfig) -> dict[str, int]:
    return {symbol: i for i, symbol in enumerate(model.text.vocab)}


def numbers(values) -> bool:
    """Whether this is a list of finite numbers, none of them negative."""
    return isinstance(values, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v < 1e9 for v in values
    )


def count_samples(place: Place) -> float:
    """The length of an audio file in samples at 24 kHz, from its header. Raises Skip."""
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(place.read()))
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise Skip("unreadable audio") from error
    return info.frames * SAMPLE_RATE / info.samplerate


def read_wave(audio: bytes, max_seconds: float) -> np.ndarray:
    """An audio file's content -> float32 [samples], mono, 24 kHz. Raises Skip."""
    import soundfile
    import soxr

    try:
        wave, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise Skip("unreadable audio") from error
    if len(wave) > (max_seconds + TOLERANCE) * rate:
        raise Skip(f"longer than {max_seconds:g} s")
    if not len(wave):
        raise Skip("too short")
    if not np.isfinite(wave).all():
        raise Skip("audio with values that are not finite")
    wave = wave.mean(axis=1)
    return wave if rate == SAMPLE_RATE else soxr.resample(wave, rate, SAMPLE_RATE)


def read_places(
    patterns: tuple[str, ...], skip: Callable[[str], object] = lambda reason: None
) -> Iterator[tuple[str, Place, dict]]:
    """(key, place of the audio, json) of every utterance, in the order of the sorted shards.

    In a tar file the key is the members' name up to the first dot of the base name (WebDataset's convention);
    in a folder it is the name before the last dot.

    Raises:
        UserError: nothing matches, or a shard or file cannot be read.
    """
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    if not paths:
        raise UserError(f"no data: nothing matches {', '.join(patterns) or 'data.shards (it is empty)'}")
    seen: set[str] = set()
    for path in map(Path, paths):
        files = folder_places(path) if path.is_dir() else tar_places(path)
        audio: dict[str, Place] = {}
        metas: dict[str, dict | None] = {}
        for key, found in files:
            if isinstance(found, Place):
                audio.setdefault(key, found)
            elif key not in metas:
                metas[key] = parse(found)
            else:
                skip("an id that was read before")
        for key in {**audio, **metas}:
            if key not in audio:
                skip("no audio")
            elif key not in metas:
                skip("no json")
            elif metas[key] is None:
                skip("broken json")
            elif key in seen:
                skip("an id that was read before")
            else:
                seen.add(key)
                yield key, audio[key], metas[key]


def folder_places(folder: Path) -> Iterator[tuple[str, Place | bytes]]:
    """(key, an audio file's place or a json file's content), in the order of the names."""
    try:
        for path in sorted(folder.iterdir(), key=lambda path: (path.stem, path.suffix)):
            kind = kind_of(path.name)
            if kind and path.is_file():
                yield path.stem, Place(str(path)) if kind == "audio" else path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {error.filename or folder}: {error.strerror or error}") from error


def tar_places(path: Path) -> Iterator[tuple[str, Place | bytes]]:
    """As `folder_places`, of an uncompressed tar file's members."""
    try:
        with tarfile.open(path, "r:", tarinfo=StrictTarInfo) as tar:
            for key, kind, member in tar_members(tar):
                if kind == "audio":
                    yield key, Place(str(path), member.offset_data, member.size)
                else:
                    yield key, tar.extractfile(member).read()
    except TAR_ERRORS as error:
        hint = "" if path.suffix == ".tar" else "; python -m nanospeech_torch.prepare reads other formats"
        raise UserError(f"cannot read the shard {path}: {error}{hint}") from error


def split(items: list[Item], held_out: int) -> tuple[list[Item], list[Item]]:
    """(held out, for training). Held out are the smallest checksums of the keys.

    So what was trained on is never held out later, however much data is added.
    """
    ranked = sorted(items, key=lambda item: (zlib.crc32(item.key.encode()), item.key))
    chosen = {item.key for item in ranked[:held_out]}
    training = [item for item in items if item.key not in chosen]
    if not training:
        raise UserError(
            f"no data is left to train on: data.held_out is {held_out}, of {len(items)} utterances"
        )
    return ranked[:held_out], training
