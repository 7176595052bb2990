"""The vocoder's recordings: audio of files, folders and tar shards, in memory as 16-bit samples."""

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

from nanospeech_core.audio.mel import HOP, N_MELS, SAMPLE_RATE
from nanospeech_core.errors import UserError

from ..data.corpus import Skip, read_wave
from ..data.shards import TAR_ERRORS, StrictTarInfo, kind_of, tar_members
from .config import VocoderDataConfig

MIN_SECONDS = 0.25
DECODED_AT_ONCE = 64  # audio files


@dataclass(frozen=True)
class Recording:
    """One audio file."""

    name: str  # with its suffix, without folders
    samples: np.ndarray  # int16 [samples], mono, 24 kHz
    key: str = ""  # the utterance's, by which its predicted mel is found
    predicted: np.ndarray | None = None  # float16 [frames, bins], its log-mel by an acoustic model


def read_recordings(
    config: VocoderDataConfig, seed: int, report: Callable[[str], object] = print
) -> tuple[list[Recording], list[Recording]]:
    """(for training, held out): up to `config.max_hours` of the sources, in an order that the seed decides.

    See `split_held_out` for what is held out. Broken files are counted and reported.

    Raises:
        UserError: no file matches, a shard or folder cannot be read, or either list would be empty.
    """
    paths = sorted({path for pattern in config.sources for path in glob.glob(pattern)})
    if not paths:
        wanted = ", ".join(config.sources) or "data.sources (it is empty)"
        raise UserError(f"no data: nothing matches {wanted}")
    np.random.default_rng(seed).shuffle(paths)
    if config.predicted and not any(Path(config.predicted).glob("*.npy")):
        raise UserError(f"data.predicted: there is no NAME.npy in {config.predicted}")
    recordings: list[Recording] = []
    skipped: Counter[str] = Counter()
    limit, total = config.max_hours * 3600 * SAMPLE_RATE, 0
    for found in decode(file for path in paths for file in audio_files(Path(path))):
        if isinstance(found, Skip):
            skipped[str(found)] += 1
            continue
        recordings.append(found)
        total += len(found.samples)
        if total >= limit:
            report(f"only the first {config.max_hours:g} h (data.max_hours) of the sources are used")
            break
    training, held_out = split_held_out(recordings, config.hold_out_every)
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


def split_held_out(recordings: list[Recording], every: int) -> tuple[list[Recording], list[Recording]]:
    """(for training, held out), by checksums of the names. So files that are added later do not move a
    recording from training to validation.

    Held out are the recordings whose checksum is divisible by `every`, but at least one (that of the smallest
    remainder) and at most half of all. With `every` 0 none is held out.
    """
    if not every:
        return recordings, []
    checksums = {recording.name: zlib.crc32(recording.name.encode()) for recording in recordings}

    def rank(recording: Recording) -> tuple[int, int, int]:
        checksum = checksums[recording.name]  # names may repeat in several folders
        return checksum % every, checksum, zlib.crc32(recording.samples.data)

    half = sorted(recordings, key=rank)[: len(recordings) // 2]
    held_out = [r for i, r in enumerate(half) if i == 0 or checksums[r.name] % every == 0]
    held_out_ids = set(map(id, held_out))
    return [recording for recording in recordings if id(recording) not in held_out_ids], held_out


def predicted_path(folder: Path, key: str) -> Path:
    """Where `predicted_mels` writes the mel of an utterance; a "/" in its key becomes "-"."""
    return folder / f"{key.replace('/', '-')}.npy"


def read_predicted(recording: Recording, folder: Path) -> np.ndarray | None:
    """The mel that `predicted_mels` wrote for a recording, float16 [frames, bins]; None if there is none.

    Raises:
        UserError: the file cannot be read, or is not a mel of this recording.
    """
    path = predicted_path(folder, recording.key)
    if not path.exists():
        return None
    try:
        mel = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if mel.ndim != 2 or mel.shape[1] != N_MELS or len(mel) > len(recording.samples) // HOP + 1:
        raise UserError(f"{path} is not a log-mel of {recording.name}: its shape is {mel.shape}")
    return mel.astype(np.float16)


def audio_files(path: Path) -> Iterator[tuple[str, str, bytes | Path]]:
    """(key, name, content or path) of the audio of a path: a file, a folder of files, or a tar shard."""
    if path.is_dir():
        try:
            found = sorted(path.iterdir())
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error
        audio = (file for file in found if kind_of(file.name) == "audio" and file.is_file())
        yield from ((file.stem, file.name, file) for file in audio)
    elif kind_of(path.name) == "audio":
        yield path.stem, path.name, path
    elif ".tar" in path.suffixes or path.suffix == ".tgz":
        try:
            with tarfile.open(path, tarinfo=StrictTarInfo) as tar:
                for key, kind, member in tar_members(tar):
                    if kind == "audio" and (content := tar.extractfile(member)):
                        yield key, Path(member.name).name, content.read()
        except TAR_ERRORS as error:
            raise UserError(f"cannot read the shard {path}: {error}") from error


def decode(files: Iterator[tuple[str, str, bytes | Path]]) -> Iterator[Recording | Skip]:
    """The recordings of files, in order; for a file that is left out, the reason."""
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
