"""One process speaks for a long time: python -m tests.fuzz.soak --backend torch --minutes 30

Every third text is a stream that is abandoned half-way. Memory, threads, open files and temporary files must
stay flat: at the end they may be at most a little above those after the first tenth of the time.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil

MEMORY_MB = 60  # that the process may grow
TEXTS = (
    "Hello there.",
    "It was 5 km away [pause 0.4], and the year was 1984.",
    "The birch canoe slid on the smooth planks, and nobody saw it go, not even the man who had made it.",
    "你好，世界！我用 Python 写了3行代码。",
)


def measure() -> dict[str, float]:
    """Megabytes of memory, threads, open files, files in the temporary folder."""
    process = psutil.Process()
    return {
        "memory_mb": process.memory_info().rss / 2**20,
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "temporary": sum(1 for _ in Path(tempfile.gettempdir()).iterdir()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.soak", description=__doc__)
    parser.add_argument("--backend", choices=("mlx", "torch"), default="torch")
    parser.add_argument("--minutes", type=float, default=30.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # of its own: other programs write into the usual one
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        return soak(args.backend, 60 * args.minutes)


def soak(backend: str, seconds: float) -> int:
    """Speak for some seconds; returns the exit status."""
    tts = importlib.import_module(f"nanospeech_{backend}").Nanospeech.from_pretrained()
    generator, started, spoken = random.Random(0), time.monotonic(), 0.0
    first: dict[str, float] | None = None
    report = started
    for number in itertools.count():
        text = generator.choice(TEXTS)
        stream = tts.stream(text, seed=number)
        chunks = generator.randint(1, 2) if number % 3 == 0 else None  # abandoned, or whole
        spoken += sum(len(chunk) for chunk in itertools.islice(stream, chunks)) / tts.sample_rate
        stream.close()
        now = time.monotonic()
        if first is None and now - started > seconds / 10:
            first = measure()
        if now - report > seconds / 10 or now - started > seconds:
            report = now
            values = " ".join(f"{name} {value:.0f}" for name, value in measure().items())
            print(
                f"{(now - started) / 60:5.1f} min: {number + 1} texts, {spoken:.0f} s of speech; {values}",
                flush=True,
            )
        if now - started > seconds:
            break
    last, first = measure(), first or measure()
    grown = {name: last[name] - first[name] for name in last}
    allowed = {"memory_mb": MEMORY_MB, "threads": 2, "files": 2, "temporary": 0}
    worse = [name for name in grown if grown[name] > allowed[name]]
    print("grown: " + ", ".join(f"{name} {value:+.1f}" for name, value in grown.items()))
    if worse:
        print(f"{', '.join(worse)} grew too much", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
