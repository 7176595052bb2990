"""python examples/embedded/synthesize.py TEXTS.jsonl -o DIR --teacher MODEL.onnx --voices voices-v1.0.bin

Let the teacher speak the texts. DIR gets shards to train on, as `nanospeech_torch.prepare` writes them:
audio, and a json with the phonemes (of our own front end, which the student will be used with) and their
durations. A run that was stopped continues with the missing shards. The shards do not depend on the number of
processes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import numpy as np
from teacher import MAX_SYMBOLS, UNIT, Teacher

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.cli.output import guard
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import json_lines, replacing
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_torch.prepare.encoding import encode
from nanospeech_torch.prepare.folder import Folder
from nanospeech_torch.prepare.workers import (
    blocked_interrupts,
    exit_when_closed,
    release,
    worker_environment,
)

# The language of a voice, by the first letter of its name.
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "z": "zh"}


class SupportsSpeak(Protocol):
    """The interface of `teacher.Teacher`."""

    def speak(self, symbols: str, voice: str) -> tuple[np.ndarray, list[int]]: ...


@dataclass(frozen=True)
class Shard:
    """What was written to a shard."""

    path: Path
    utterances: int
    samples: int
    seconds: float  # of work
    rejected: list[tuple[str, str]]  # (id, why)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="synthesize", description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("texts", type=Path, metavar="JSONL", help='lines {"id", "text", "voice"}: texts.py')
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the shards"
    )
    parser.add_argument("--teacher", type=Path, required=True, metavar="ONNX", help="kokoro-v1.0.int8.onnx")
    parser.add_argument(
        "--voices", type=Path, required=True, metavar="FILE", help="voices-v1.0.bin, or a folder of NAME.bin"
    )
    parser.add_argument("--shards", type=int, metavar="N", help="write only the first N (default: all)")
    parser.add_argument(
        "--shard-size", type=int, default=100, metavar="N", help="sentences per shard (default: 100)"
    )
    parser.add_argument(
        "--format", choices=("opus", "flac"), default="opus", help="audio format (default: opus)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    args = parser.parse_args(argv)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    args.workers = cores if args.workers is None else args.workers
    for name, least in (("shards", 1), ("shard_size", 1), ("workers", 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    return guard(lambda: run(args), "synthesize", quiet=False)


def run(args: argparse.Namespace) -> None:
    rows = read_texts(args.texts)
    make_teacher = partial(Teacher, args.teacher, args.voices)
    teacher = make_teacher()  # raises its errors before processes start
    teacher.check({row["voice"] for row in rows})
    arguments = {
        "texts": checksum(args.texts),
        "teacher": checksum(args.teacher),
        "format": args.format,
        "shard_size": args.shard_size,
    }
    folder = Folder(args.output, "data")
    with folder.locked():
        folder.begin(arguments)
        wanted = list(slices(rows, args.shard_size))[: args.shards]
        tasks = [(folder.shard(i), part) for i, part in enumerate(wanted) if not folder.shard(i).exists()]
        there = len(wanted) - len(tasks)
        samples, left_out = 0, 0
        for number, shard in enumerate(synthesize(tasks, make_teacher, args.format, args.workers), there + 1):
            for id, reason in shard.rejected:
                print(f"synthesize: {id} is left out: {reason}", file=sys.stderr)
            samples, left_out = samples + shard.samples, left_out + len(shard.rejected)
            print(
                f"{shard.path.name}: {shard.utterances} utterances, {minutes(shard.samples):.1f} min of "
                f"speech in {shard.seconds / 60:.1f} min ({number} of {len(wanted)})",
                flush=True,
            )
        folder.forget_progress()
    print(
        f"{len(tasks)} shards, {minutes(samples) / 60:.2f} h of speech, {left_out} sentences left out; "
        f"{there} shards existed",
        flush=True,
    )


def minutes(samples: int) -> float:
    return samples / SAMPLE_RATE / 60


def checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def slices(rows: list[dict], size: int) -> Iterator[list[dict]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def read_texts(path: Path) -> list[dict]:
    """The rows of a JSONL file. Raises UserError, with the line, if a row cannot be synthesized."""
    rows: list[dict] = []
    seen: set[str] = set()
    for number, row in json_lines(path):
        place = f"{path}, line {number}"
        wanted = ("id", "text", "voice")
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in wanted):
            raise UserError(f"{place}: not a JSON object with the strings {', '.join(wanted)}")
        if row["id"] in seen:
            raise UserError(f"{place}: the id {row['id']!r} occurs twice")
        if not row["id"] or set(row["id"]) & set("./\\\0"):
            raise UserError(f"{place}: the id {row['id']!r} cannot be a name in a shard")
        if row["voice"][:1] not in LANGUAGES:
            raise UserError(
                f"{place}: {row['voice']!r} is not an English, Chinese or Spanish voice of the teacher"
            )
        seen.add(row["id"])
        rows.append(row)
    return rows


# shards


def synthesize(
    tasks: list[tuple[Path, list[dict]]], make_teacher: Callable[[], SupportsSpeak], format: str, workers: int
) -> Iterator[Shard]:
    """Write all shards; yields each when it is finished.

    Args:
        tasks: (path, rows) of each shard.
        make_teacher: called once in each process.
        format: "opus" or "flac".
        workers: processes; 0: this process does the work.
    Raises:
        UserError: a shard cannot be written, or a process died.
    """
    if not tasks:
        return
    if not workers:
        teacher = make_teacher()
        yield from (make_shard(path, rows, teacher, format) for path, rows in tasks)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
    reader, life = context.Pipe(duplex=False)
    with worker_environment():
        executor = ProcessPoolExecutor(
            min(workers, len(tasks)), context, begin_worker, (make_teacher, reader)
        )
        try:
            with blocked_interrupts():
                futures = [executor.submit(work, path, rows, format) for path, rows in tasks]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise UserError("a process of the teacher died; is there too little memory?") from error
        finally:  # abandons unfinished shards: the executor alone would finish them first
            life.close()
            release(executor)
            executor.shutdown(wait=True, cancel_futures=True)


_teacher: SupportsSpeak | None = None


def begin_worker(make_teacher: Callable[[], SupportsSpeak], life: Connection) -> None:
    """Prepare a worker process. It ends when its parent closes `life`, or dies."""
    global _teacher
    threading.Thread(target=exit_when_closed, args=(life,), daemon=True).start()
    _teacher = make_teacher()


def work(path: Path, rows: list[dict], format: str) -> Shard:
    assert _teacher is not None
    return make_shard(path, rows, _teacher, format)


def make_shard(path: Path, rows: list[dict], teacher: SupportsSpeak, format: str) -> Shard:
    """Speak all rows and write the shard, which may be empty. Raises UserError."""
    started = time.perf_counter()
    rejected, utterances, samples = [], 0, 0
    with replacing(path) as temporary, tarfile.open(temporary, "w") as tar:
        for row in rows:
            try:
                wave, meta = speak(row, teacher)
            except UserError as error:
                rejected.append((row["id"], str(error)))
                continue
            add(tar, f"{row['id']}.{format}", encode(wave, format, row["id"]))
            add(tar, f"{row['id']}.json", json.dumps(meta, ensure_ascii=False).encode())
            utterances, samples = utterances + 1, samples + len(wave)
    return Shard(path, utterances, samples, time.perf_counter() - started, rejected)


def speak(row: dict, teacher: SupportsSpeak) -> tuple[np.ndarray, dict]:
    """float32 [samples] at 24 kHz, and the json of an utterance. Raises UserError if it cannot be spoken."""
    lang = LANGUAGES[row["voice"][0]]
    tokenizer = Tokenizer("phonemes", SYMBOLS, report=lambda message: None)
    symbols = " ".join(sentence.symbols for sentence in tokenizer.sentences(row["text"], lang))
    if tokenizer.unknown:
        raise UserError(f"{' '.join(sorted(tokenizer.unknown))} cannot be spoken")
    if len(symbols) > MAX_SYMBOLS:
        raise UserError(f"it has {len(symbols)} phonemes, more than {MAX_SYMBOLS}")
    wave, durations = teacher.speak(symbols, row["voice"])
    if len(durations) != len(symbols) + 2 or sum(durations) * UNIT != len(wave):
        raise UserError("the teacher's durations do not add up to its audio")
    if not np.isfinite(wave).all():
        raise UserError("the teacher's audio is not finite")
    return wave, {
        "id": row["id"],
        "text": row["text"],
        "lang": lang,
        "voice": row["voice"],
        "phonemes": symbols,
        "durations": durations,
        "duration_unit": UNIT,
        "samples": len(wave),
        "source": row.get("source", ""),
    }


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a member without time and owner, so that equal sentences give equal bytes."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
