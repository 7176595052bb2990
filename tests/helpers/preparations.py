"""For the tests of preparing: small sources of every kind, and aligners that worker processes can import."""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import tarfile
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.dataset import Settings
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.recording import Damaged, MissingRequirement, Recording, Remark
from nanospeech_torch.prepare.sources.inputs import find_inputs, read_recordings


class EvenAligner:
    """Deals the frames evenly."""

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        assert mel.dtype == np.float32 and mel.shape[1] == 100 and ids.dtype == np.int64
        ends = np.linspace(0, len(mel), len(ids) + 1).astype(np.int64)
        return np.diff(ends)


class RefusingAligner:
    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        raise UserError("no path")


class DeadlyAligner(EvenAligner):
    """Ends the process, as a crash inside a library does, at utterances of `symbols` symbols."""

    def __init__(self, symbols: int):
        self.symbols = symbols

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        if len(ids) == self.symbols + 2:
            os._exit(7)
        return super().align(mel, ids)


class HungryAligner(DeadlyAligner):
    """Has no memory for utterances of `symbols` symbols."""

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        if len(ids) == self.symbols + 2:
            raise MemoryError
        return EvenAligner.align(self, mel, ids)


class InterruptedAligner(EvenAligner):
    """Its worker is killed, once, as if while it sent a result of 100,000 bytes."""

    def __init__(self, marker: Path):
        self.marker = marker

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        if not self.marker.exists():
            self.marker.touch()
            frame = sys._getframe()
            while "result_queue" not in frame.f_locals:  # of the executor's loop
                frame = frame.f_back
            results = frame.f_locals["result_queue"]
            results._wlock.acquire()
            os.write(results._writer.fileno(), struct.pack("!i", 100_000) + bytes(99))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().align(mel, ids)


class NoAligner(AlignerSource):
    def get(self) -> None:
        raise MissingRequirement("there is no aligner")


def tones(
    count: int, seed: int = 0, durations: bool = True, voices: int = 2
) -> list[tuple[str, bytes, dict]]:
    """(id, wav, json) of utterances u000, u001, ... of the voices v0, v1, ... alternately."""
    rng = np.random.default_rng(seed)
    result = []
    for i in range(count):
        wave, meta = corpus.tone_utterance(rng, f"v{i % voices}", letters=int(rng.integers(4, 9)))
        if not durations:
            del meta["durations"]
        result.append((f"u{i:03d}", corpus.audio_bytes(wave), meta))
    return result


def write_shard(path: Path, utterances: list[tuple[str, bytes, dict]]) -> Path:
    members = []
    for id, audio, meta in utterances:
        members += [(f"{id}.wav", audio), (f"{id}.json", json.dumps(meta).encode())]
    return corpus.write_tar(path, members)


def read_shard(path: Path) -> dict[str, tuple[str, bytes, dict]]:
    """id -> (audio's suffix, audio, json) of a prepared shard."""
    result, audio = {}, {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            stem, _, suffix = member.name.rpartition(".")
            content = tar.extractfile(member).read()
            if suffix == "json":
                meta = json.loads(content)
                result[meta["id"]] = (*audio.pop(stem), meta)
            else:
                audio[stem] = (suffix, content)
    assert not audio
    return result


def contents(folder: Path) -> dict[str, bytes]:
    """All files of an output folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def settings(*sources, **changes) -> Settings:
    return Settings(**{"sources": tuple(map(str, sources)), "shard_size": 4, **changes})


def read_all(*sources, columns=()) -> list[Recording | Remark]:
    """All recordings and remarks."""
    return [r for found in find_inputs([str(s) for s in sources]) for r in read_recordings(found, 0, columns)]


def read(*sources, columns=()) -> list[Recording]:
    return [r for r in read_all(*sources, columns=columns) if isinstance(r, Recording)]


def unused(*sources, columns=()) -> dict[str, int]:
    """What is not used -> how many, as a run counts it."""
    counts: dict[str, int] = {}
    for found in read_all(*sources, columns=columns):
        names = dict.fromkeys(found.unused, 1) if isinstance(found, Recording) else {found.text: found.unused}
        for name, count in names.items():
            counts[name] = counts.get(name, 0) + count
    return {name: count for name, count in counts.items() if count}


def read_until_damage(source):
    """(ids, the damage)"""
    ids = []
    with pytest.raises(Damaged) as caught:
        for recording in read_recordings(*find_inputs([str(source)])):
            ids.append(recording.id)
    return ids, str(caught.value)


def problems(recordings):
    return [(r.id, r.problem) for r in recordings if r.problem]
