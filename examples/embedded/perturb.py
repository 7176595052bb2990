"""python examples/embedded/perturb.py SHARDS... -o DIR

Make more speakers from the few of a corpus, so that a model learns to take a voice from a reference: copies
of utterances, played faster or slower (pitch, vocal tract and tempo change together) and filtered (a
microphone, a room). Each new voice has one speed and one filter. DIR gets shards to train on in addition to
the originals. An utterance's copy, if it gets one, does not depend on the rest of the corpus.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np
from synthesize import add

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.cli.output import guard
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder, replacing
from nanospeech_torch.prepare.encoding import encode
from nanospeech_torch.training.data.corpus import DURATION_UNIT, Skip, read_wave, scan_shards
from nanospeech_torch.training.vocoder.augmentation import random_frequency_response

MOST, LEAST = 0.20, 0.03  # logarithms of the speeds: 22% and 3%
DULL = 0.25  # share of the new voices without high frequencies, like recordings at 16 kHz


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="perturb", description=(__doc__ or "").split("\n\n")[1], allow_abbrev=False
    )
    parser.add_argument("shards", nargs="+", metavar="SHARDS", help="tar files or folders of audio + json")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the shards"
    )
    parser.add_argument(
        "--share", type=float, default=0.5, help="share of the utterances to copy, 0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--voices", type=int, default=12, metavar="N", help="new voices per voice (default: 12)"
    )
    parser.add_argument(
        "--shard-size", type=int, default=500, metavar="N", help="utterances per shard (default: 500)"
    )
    parser.add_argument(
        "--format", choices=("opus", "flac"), default="opus", help="audio format (default: opus)"
    )
    args = parser.parse_args(argv)
    if not 0 < args.share <= 1:
        parser.error("--share must be more than 0 and at most 1")
    for name in ("voices", "shard_size"):
        if getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return guard(lambda: run(args), "perturb", quiet=False)


def run(args: argparse.Namespace) -> None:
    selected = [
        (key, location, meta)
        for key, location, meta in scan_shards(tuple(args.shards))
        if generator_of(key).uniform() < args.share
    ]
    if not selected:
        raise UserError("no utterance is selected: the shards have none, or too few for --share")
    make_folder(args.output)
    samples = 0
    voices: set[str] = set()
    for number, start in enumerate(range(0, len(selected), args.shard_size)):
        path = args.output / f"data-{number:04d}.tar"
        with replacing(path) as temporary, tarfile.open(temporary, "w") as tar:
            for key, location, meta in selected[start : start + args.shard_size]:
                try:
                    wave, changed = perturb(read_wave(location.read(), math.inf), meta, key, args.voices)
                except Skip as reason:
                    print(f"perturb: {key} is left out: {reason}", file=sys.stderr)
                    continue
                add(tar, f"{changed['id']}.{args.format}", encode(wave, args.format, key))
                add(tar, f"{changed['id']}.json", json.dumps(changed, ensure_ascii=False).encode())
                samples += len(wave)
                voices.add(changed["voice"])
        print(f"{path.name}: {samples / SAMPLE_RATE / 3600:.2f} h, {len(voices)} voices so far", flush=True)


def perturb(wave: np.ndarray, meta: dict, key: str, voices: int) -> tuple[np.ndarray, dict]:
    """The copy of an utterance in another voice: float32 [samples] at 24 kHz, and its json."""
    import soxr

    number = int(generator_of(f"{key}, voice").integers(1, voices + 1))
    voice = f"{meta.get('voice') or key}+{number}"
    rng = generator_of(voice)
    speed = math.exp(rng.choice((-1, 1)) * rng.uniform(LEAST, MOST))
    wave = soxr.resample(wave, SAMPLE_RATE * speed, SAMPLE_RATE)
    spectrum = np.fft.rfft(wave, 2 * len(wave))  # twice the length: the filter does not wrap around
    hz = np.fft.rfftfreq(2 * len(wave), 1 / SAMPLE_RATE)
    spectrum *= random_frequency_response(hz, rng, tilt=0.8, ripple=1.2, most=10.0)
    if rng.uniform() < DULL:
        cutoff = rng.uniform(6000.0, 11000.0)
        spectrum *= np.clip((cutoff - hz) / 400.0 + 1.0, 0.0, 1.0)
    wave = np.fft.irfft(spectrum, 2 * len(wave))[: len(wave)].astype(np.float32)
    wave *= min(1.0, 0.98 / max(float(np.abs(wave).max()), 1e-9))
    unit = meta.get("duration_unit", DURATION_UNIT) / speed
    return wave, meta | {"id": f"{key}+{number}", "voice": voice, "duration_unit": unit, "samples": len(wave)}


def generator_of(name: str) -> np.random.Generator:
    """A random generator seeded with a name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


if __name__ == "__main__":
    sys.exit(main())
