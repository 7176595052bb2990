"""The corpus index: every utterance of the prepared shards, without its audio, which stays on disk.

The json of an utterance has `phonemes` (`text` for models that read characters; one character is a symbol)
and, for models aligned by durations, `durations`: len(symbols) + 2 numbers (a pause, each symbol, a pause) in
units of `duration_unit` samples at 24 kHz (600 if absent). The pauses have the id of the space. `voice`,
`lang`, `text` and `samples` (at 24 kHz) are optional.
"""

from __future__ import annotations

import glob
import io
import os
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from nanospeech_core.audio.mel import HOP, N_MELS, SAMPLE_RATE
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import looked_in
from nanospeech_core.text.languages import base_language, find_code

from ..config import DataConfig
from .shards import TAR_ERRORS, StrictTarInfo, kind_of, parse, tar_members

DURATION_UNIT = 600  # samples at 24 kHz, of durations that do not name their unit
TOLERANCE = 0.1  # seconds by which durations and audio may differ: codecs pad
MIN_FRAMES = 8


class Skip(Exception):
    """The reason why an utterance is left out."""


@dataclass(frozen=True)
class AudioLocation:
    """Where the bytes of an audio file are: in a file, or in a part of a tar file."""

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
class IndexEntry:
    """One utterance of the corpus index."""

    key: str
    voice: str
    text: str
    # int16 [symbols], -1 for symbols outside the vocabulary; with "durations" alignment a pause at either end
    ids: np.ndarray
    durations: np.ndarray | None  # float32 [symbols], in samples at 24 kHz; None with "filler" alignment
    samples: int  # at 24 kHz
    location: AudioLocation
    language: str = ""  # of its json's `lang`, without the accent; "": unknown

    @property
    def frames(self) -> int:
        """The length of its mel."""
        return self.samples // HOP + 1


def read_index(
    config: DataConfig,
    model: ModelConfig,
    report: Callable[[str], object] = print,
    durations: bool | None = None,
) -> list[IndexEntry]:
    """Every utterance that fits the config. Those that do not are counted and reported.

    Args:
        config: `shards` and `max_seconds` are used.
        model: for its vocabulary and its alignment.
        report: called with a line of text.
        durations: whether an utterance must have durations; None: if the model's alignment needs them.
    Raises:
        UserError: no shard matches, a shard cannot be read, or no utterance fits.
    """
    if model.transformer.mel_dim != N_MELS:
        raise UserError(
            f"config: transformer.mel_dim is {model.transformer.mel_dim}; a mel has {N_MELS} bins"
        )
    if durations is None:
        durations = model.text.alignment == "durations"
    entries: list[IndexEntry] = []
    skipped: Counter[str] = Counter()
    for key, location, meta in scan_shards(config.shards, lambda reason: skipped.update([reason])):
        try:
            entries.append(make_entry(key, location, meta, config.max_seconds, model, durations))
        except Skip as skip:
            skipped[str(skip)] += 1
    hours = sum(entry.samples for entry in entries) / SAMPLE_RATE / 3600
    report(f"{len(entries)} utterances, {hours:.2f} h, {len({entry.voice for entry in entries})} voices")
    for reason, count in sorted(skipped.items()):
        report(f"skipped {count}: {reason}")
    unknown = sum(int((entry.ids < 0).sum()) for entry in entries)
    if unknown:
        report(f"{unknown} symbols are not in the vocabulary and are trained on without text")
    if not entries:
        reasons = ", ".join(sorted(skipped)) or "the shards are empty"
        if "no json" in skipped:
            reasons += "; python -m nanospeech_torch.prepare makes shards of recordings"
        raise UserError(f"no data: all {skipped.total()} utterances were skipped ({reasons})")
    return entries


def make_entry(
    key: str,
    location: AudioLocation,
    meta: dict,
    max_seconds: float,
    model: ModelConfig,
    needs_durations: bool,
) -> IndexEntry:
    """Check the json of an utterance. Raises Skip if the utterance cannot be trained on."""
    kind = "phonemes" if model.text.kind == "phonemes" else "text"
    symbols, durations, unit = meta.get(kind), meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not (symbols and isinstance(symbols, str)):
        raise Skip(f"no {kind}")
    ends = None
    if needs_durations:
        if not (is_number_list(durations) and is_number_list([unit]) and unit > 0):
            raise Skip("no durations")
        if len(durations) != len(symbols) + 2:
            raise Skip(f"durations that do not match the {kind}")
        ends = np.array(durations, dtype=np.float32) * unit
    samples = meta.get("samples")
    if not (is_number_list([samples]) and samples):
        samples = float(ends.sum()) if ends is not None else count_samples(location)
    samples = round(samples)
    if ends is not None and abs(float(ends.sum()) - samples) > TOLERANCE * SAMPLE_RATE:
        raise Skip("durations that do not add up to the audio's")
    if samples > max_seconds * SAMPLE_RATE:
        raise Skip(f"longer than {max_seconds:g} s (data.max_seconds)")
    if samples // HOP + 1 < max(MIN_FRAMES, model.transformer.patch, len(symbols) + 2 if ends is None else 0):
        raise Skip("too short")
    voice = meta.get("voice")
    vocab = vocabulary(model)
    ids = [vocab.get(symbol, -1) for symbol in symbols]
    if model.text.alignment == "durations":
        ids = [vocab[" "], *ids, vocab[" "]]
    return IndexEntry(
        key=key,
        voice=key if voice in (None, "") else str(voice),
        text=str(meta.get("text") or ""),
        ids=np.array(ids, dtype=np.int16),
        durations=ends,
        samples=samples,
        location=location,
        language=base_language(find_code(str(meta.get("lang") or "")) or ""),
    )


def vocabulary(model: ModelConfig) -> dict[str, int]:
    return {symbol: i for i, symbol in enumerate(model.text.vocab)}


def is_number_list(values: Any) -> TypeGuard[list[float]]:
    """Whether this is a list of finite numbers, none of them negative."""
    return isinstance(values, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and 0 <= v < 1e9 for v in values
    )


def count_samples(location: AudioLocation) -> float:
    """The length of an audio file in samples at 24 kHz, from its header. Raises Skip."""
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(location.read()))
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


def scan_shards(
    patterns: tuple[str, ...], skip: Callable[[str], object] = lambda reason: None
) -> Iterator[tuple[str, AudioLocation, dict]]:
    """(key, location of the audio, json) of every utterance, in the order of the sorted shards.

    In a tar file the key is the members' name up to the first dot of the base name (WebDataset's convention);
    in a folder it is the name before the last dot.

    Args:
        patterns: glob patterns of uncompressed tar files, or of folders of them or of audio + json.
        skip: called with the reason for each utterance that is left out.
    Raises:
        UserError: no shard matches, or a shard or file cannot be read.
    """
    matches = [path for pattern in patterns for path in glob.glob(pattern)]
    paths = sorted({shard for path in matches for shard in shards_at(path)})
    if not paths:
        wanted = ", ".join(patterns) + looked_in(patterns[0]) if patterns else "data.shards (it is empty)"
        raise UserError(f"no data: nothing matches {wanted}")
    seen: set[str] = set()
    for path in map(Path, paths):
        files = scan_folder(path) if path.is_dir() else scan_tar(path)
        audio: dict[str, AudioLocation] = {}
        metas: dict[str, dict | None] = {}
        for key, found in files:
            if isinstance(found, AudioLocation):
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
            elif (meta := metas[key]) is None:
                skip("broken json")
            elif key in seen:
                skip("an id that was read before")
            else:
                seen.add(key)
                yield key, audio[key], meta


def shards_at(path: str) -> list[str]:
    """A tar file or a folder of audio + json, as it is; of a folder with tar files, these."""
    return glob.glob(os.path.join(glob.escape(path), "*.tar")) or [path] if os.path.isdir(path) else [path]


def scan_folder(folder: Path) -> Iterator[tuple[str, AudioLocation | bytes]]:
    """(key, location of an audio file or content of a json file), in the order of the names."""
    try:
        for path in sorted(folder.iterdir(), key=lambda path: (path.stem, path.suffix)):
            kind = kind_of(path.name)
            if kind and path.is_file():
                yield path.stem, AudioLocation(str(path)) if kind == "audio" else path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {error.filename or folder}: {error.strerror or error}") from error


def scan_tar(path: Path) -> Iterator[tuple[str, AudioLocation | bytes]]:
    """Like `scan_folder`, for the members of an uncompressed tar file."""
    try:
        with tarfile.open(path, "r:", tarinfo=StrictTarInfo) as tar:
            for key, kind, member in tar_members(tar):
                if kind == "audio":
                    yield key, AudioLocation(str(path), member.offset_data, member.size)
                elif content := tar.extractfile(member):
                    yield key, content.read()
    except TAR_ERRORS as error:
        hint = "" if path.suffix == ".tar" else "; python -m nanospeech_torch.prepare reads other formats"
        raise UserError(f"cannot read the shard {path}: {error}{hint}") from error


def split_held_out(entries: list[IndexEntry], held_out: int) -> tuple[list[IndexEntry], list[IndexEntry]]:
    """(held out, for training). Held out are the utterances whose keys have the smallest checksums.

    So data that is added later never moves an utterance from training to validation.
    """
    ranked = sorted(entries, key=lambda entry: (zlib.crc32(entry.key.encode()), entry.key))
    held_out_keys = {entry.key for entry in ranked[:held_out]}
    training = [entry for entry in entries if entry.key not in held_out_keys]
    if not training:
        raise UserError(
            f"no data is left to train on: data.held_out is {held_out}, of {len(entries)} utterances"
        )
    return ranked[:held_out], training
