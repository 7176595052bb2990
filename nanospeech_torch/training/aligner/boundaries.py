"""python -m nanospeech_torch.training.aligner.boundaries SHARD...: measure how good an aligner is.

If the data have durations, the aligner's boundaries are compared with them. Other measures need no durations
(recordings of people have none): whether pauses are silent, where speech begins and ends, and how many phones
last a single frame.
"""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

PROG = "python -m nanospeech_torch.training.aligner.boundaries"

with importing(__name__, PROG):
    import argparse
    from collections import defaultdict

    import numpy as np

    from nanospeech_core.audio.mel import HOP, SAMPLE_RATE, log_mel
    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.errors import UserError
    from nanospeech_core.system.install import need
    from nanospeech_core.text.language_detection import detect_language
    from nanospeech_core.text.languages import LANGUAGES
    from nanospeech_core.text.tokenizer import Tokenizer

CLOSE = 0.05  # seconds
PAUSE_FRAMES = 10  # 0.1 s: shorter gaps between words need not be silent
SILENCE_DB = -40.0  # below the loudest frame
MARKS = frozenset("ˈˌːʰʲ↓→↗↘\u0303")  # of stress, length and tone
PAUSES = frozenset(';:,.!?—…"()“” ')
NO_PHONES = MARKS | PAUSES


def boundary_errors(frames: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """How much later each boundary is than in the data, in seconds [symbols - 1].

    Args:
        frames: int [symbols], the aligner's. Frame t is centered at t hops, so the boundary before it is at
            t - 1/2.
        durations: [symbols], the data's, in samples at 24 kHz.
    """
    ours = (np.cumsum(frames)[:-1] - 0.5) * HOP
    return (ours - np.cumsum(durations, dtype=np.float64)[:-1]) / SAMPLE_RATE


class BoundaryErrors:
    """Boundary errors of many utterances."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []

    def add(self, errors: np.ndarray) -> None:
        self.parts.append(errors)

    def summary(self) -> dict[str, float]:
        """The share within 50 ms, the median distance and the mean error (positive: late) in ms; or {}."""
        if not self.parts:
            return {}
        errors = np.concatenate(self.parts)
        return {
            "within_50ms": float((np.abs(errors) <= CLOSE).mean()),
            "median_ms": 1000 * float(np.median(np.abs(errors))),
            "mean_ms": 1000 * float(errors.mean()),
        }


class Plausibility:
    """Measures of alignments that need no durations."""

    def __init__(self) -> None:
        self.levels: dict[bool, list[np.ndarray]] = {True: [], False: []}  # dB, by whether it is a pause
        self.edges: list[float] = []  # seconds by which speech's boundaries miss those of the energy
        self.symbols = self.short = 0

    def add(self, mel: np.ndarray, frames: np.ndarray, symbols: str, lag: int) -> None:
        """Count one utterance.

        Args:
            mel: log-mel [frames, bins].
            frames: int64 [symbols + 2], with a pause at either end.
            symbols: the symbols that are spoken.
            lag: by how many frames the aligner's durations are late; it is subtracted.
        """
        level = 10 * np.log10(np.exp(2 * mel.astype(np.float64)).sum(1))
        level -= level.max()
        ends = np.maximum(np.cumsum(frames) - lag, 0)
        starts = np.concatenate(([0], ends[:-1]))
        loud = np.flatnonzero(level > SILENCE_DB)
        first, last = ends[0], ends[-2]
        while last > first and symbols[-1:] and symbols[-1] in PAUSES:  # a full stop is part of the pause
            symbols = symbols[:-1]
            last = ends[len(symbols)]
        self.edges += [(first - loud[0]) * HOP / SAMPLE_RATE, (last - loud[-1] - 1) * HOP / SAMPLE_RATE]
        for symbol, start, end in zip(" " + symbols, starts, ends, strict=False):
            pause = symbol in PAUSES
            if end - start >= PAUSE_FRAMES or not pause:
                self.levels[pause].append(level[start:end])
        phones = [
            count for symbol, count in zip(symbols, frames[1:], strict=False) if symbol not in NO_PHONES
        ]
        self.symbols += len(phones)
        self.short += sum(count == 1 for count in phones)

    def summary(self) -> dict[str, float]:
        """Median levels in dB below the loudest frame, median edge error in ms, share of one-frame phones."""
        levels = {
            kind: np.concatenate(parts) if parts else np.zeros(1) for kind, parts in self.levels.items()
        }
        return {
            "pause_db": float(np.median(levels[True])),
            "phone_db": float(np.median(levels[False])),
            "edge_ms": 1000 * float(np.median(np.abs(self.edges))),
            "edges_within_100ms": float((np.abs(self.edges) <= 0.1).mean()),
            "one_frame_phones": self.short / max(1, self.symbols),
        }


@command(PROG)
def main(argv: list[str] | None, prog: str) -> int:
    """Align the utterances of shards or folders, and measure the alignment, by language."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("shards", nargs="+", metavar="SHARD", help="tar files, or folders of audio + json")
    parser.add_argument(
        "--aligner",
        default="embedded",
        metavar="RUN.pt|DIR|ID",
        help="aligner to measure (default: the embedded one)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N utterances of each language")
    args = parser.parse_args(argv)

    def work() -> None:
        need(("torch",), "aligning", "torch")
        for language, values in measure(args.aligner, args.shards, args.limit).items():
            measures = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
            print_result(f"{language}: {measures}")

    return guard(work, prog, quiet=False)


def measure(aligner: str, shards: list[str], limit: int | None = None) -> dict[str, dict[str, float]]:
    """By language: the number of utterances, and the summaries of `BoundaryErrors` and `Plausibility`.

    Args:
        aligner: see `load_aligner`.
        shards: glob patterns of tar files, or of folders of audio + json.
        limit: only this many utterances of each language, the first ones.
    Raises:
        UserError: there is no such aligner, or no utterance that it can align.
    """
    from ..data.corpus import DURATION_UNIT, Skip, read_wave, scan_shards
    from .weights import load_aligner

    model, vocab = load_aligner(aligner)
    tokenizer = Tokenizer("phonemes", vocab)
    pause = tokenizer.ids[" "]
    errors: dict[str, BoundaryErrors] = defaultdict(BoundaryErrors)
    plausibility: dict[str, Plausibility] = defaultdict(Plausibility)
    counts: dict[str, int] = defaultdict(int)
    for _, location, meta in scan_shards(tuple(shards)):
        text = str(meta.get("text", ""))
        lang = meta.get("lang")
        language = str(lang) if lang in LANGUAGES else detect_language(text)
        if limit and counts[language] >= limit:
            continue
        try:
            symbols = meta.get("phonemes")
            symbols = symbols or " ".join(s.symbols for s in tokenizer.sentences(text, language))
            ids = np.array([pause, *tokenizer.encode(symbols), pause], dtype=np.int64)
            mel = log_mel(read_wave(location.read(), 60.0))
            frames = model.align(mel, ids)
        except (Skip, UserError):
            counts[f"{language}, not aligned"] += 1
            continue
        counts[language] += 1
        plausibility[language].add(mel, frames, symbols, model.lag)
        durations = meta.get("durations")
        if durations and len(durations) == len(ids):
            samples = np.array(durations) * meta.get("duration_unit", DURATION_UNIT)
            errors[language].add(boundary_errors(frames, samples))
    if not plausibility:
        raise UserError("no utterance in the data can be aligned")
    return {
        language: {"utterances": float(count)}
        | (errors[language].summary() | plausibility[language].summary() if language in plausibility else {})
        for language, count in sorted(counts.items())
    }


if __name__ == "__main__":
    sys.exit(main())
