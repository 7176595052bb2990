"""python -m nanospeech_torch.training.aligner.boundaries SHARD...: how good an aligner is.

Where the data have durations, the boundaries are compared with them. Where they have none (recordings of
people), what can be judged without them is: whether pauses are silent, where speech begins and ends, and how
many symbols are squeezed into one frame.
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
PAUSE_FRAMES = 10  # 0.1 s: where less is between two words, it need not be silent
SILENCE_DB = -40.0  # below the loudest frame
MARKS = frozenset("ˈˌːʰʲ↓→↗↘\u0303")  # of stress, length and tone
PAUSES = frozenset(';:,.!?—…"()“” ')
NO_PHONES = MARKS | PAUSES


def boundary_errors(frames: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """How much later each boundary is than the data's, in seconds [symbols - 1].

    Args:
        frames: int [symbols] of the aligner. Frame t is centred at t hops, the boundary before it at t - 1/2.
        durations: [symbols], in samples at 24 kHz.
    """
    ours = (np.cumsum(frames)[:-1] - 0.5) * HOP
    return (ours - np.cumsum(durations, dtype=np.float64)[:-1]) / SAMPLE_RATE


class Errors:
    """Boundary errors of many utterances."""

    def __init__(self):
        self.parts: list[np.ndarray] = []

    def add(self, errors: np.ndarray) -> None:
        self.parts.append(errors)

    def summary(self) -> dict[str, float]:
        """Share within 50 ms; the median distance and the mean (late is positive) in ms; {} without any."""
        if not self.parts:
            return {}
        errors = np.concatenate(self.parts)
        return {
            "within_50ms": float((np.abs(errors) <= CLOSE).mean()),
            "median_ms": 1000 * float(np.median(np.abs(errors))),
            "mean_ms": 1000 * float(errors.mean()),
        }


class Plausibility:
    """What can be said of an alignment without a reference."""

    def __init__(self):
        self.levels: dict[bool, list[np.ndarray]] = {True: [], False: []}  # dB, of pauses and of phones
        self.edges: list[float] = []  # seconds by which speech's first and last boundary miss the energy's
        self.symbols = self.short = 0

    def add(self, mel: np.ndarray, frames: np.ndarray, symbols: str, lag: int) -> None:
        """Count one utterance.

        Args:
            mel: log-mel [frames, bins].
            frames: int64 [symbols + 2], with the pauses around.
            symbols: what is said.
            lag: of the aligner, in frames: its boundaries are judged where it heard them.
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
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """Align the utterances of shards or folders, and say how good the alignment is, by language."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("shards", nargs="+", metavar="SHARD", help="tar files, or folders of audio + json")
    parser.add_argument(
        "--aligner", default="embedded", metavar="RUN.pt|DIR|ID", help="(default: the embedded one)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="of each language, the first N utterances")
    args = parser.parse_args(argv)

    def work() -> None:
        need(("torch",), "aligning", "torch")
        for language, values in measure(args.aligner, args.shards, args.limit).items():
            shown = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
            print_result(f"{language}: {shown}")

    return guard(work, prog, quiet=False)


def measure(aligner: str, shards: list[str], limit: int | None = None) -> dict[str, dict[str, float]]:
    """By language: the number of utterances, and what `Errors` and `Plausibility` say of them.

    Args:
        aligner: as `load_aligner` takes it.
        shards: glob patterns of tar files, or of folders of audio + json.
        limit: of each language, the first so many utterances.
    Raises:
        UserError: there is no such aligner, or no utterance that it can align.
    """
    from ..data.corpus import DURATION_UNIT, Skip, read_places, read_wave
    from .weights import load_aligner

    model, vocab = load_aligner(aligner)
    tokenizer = Tokenizer("phonemes", vocab)
    pause = tokenizer.ids[" "]
    errors, plausibility = defaultdict(Errors), defaultdict(Plausibility)
    counts: dict[str, int] = defaultdict(int)
    for _, place, meta in read_places(tuple(shards)):
        text = str(meta.get("text", ""))
        language = meta.get("lang") if meta.get("lang") in LANGUAGES else detect_language(text)
        if limit and counts[language] >= limit:
            continue
        try:
            said = meta.get("phonemes") or " ".join(s.symbols for s in tokenizer.sentences(text, language))
            ids = np.array([pause, *tokenizer.encode(said), pause], dtype=np.int64)
            mel = log_mel(read_wave(place.read(), 60.0))
            frames = model.align(mel, ids)
        except (Skip, UserError):
            counts[f"{language}, not aligned"] += 1
            continue
        counts[language] += 1
        plausibility[language].add(mel, frames, said, model.lag)
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
