"""Measure this package and other speech systems on the same sentences, in one process, in turn."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np

from ...errors import UserError
from ...pipeline import Pipeline
from ...sampling.options import GenerateOptions
from ..tables import align_columns
from . import kokoro, piper
from .peer import Peer, PeerFiles

# The default: the first 20 of the Harvard sentences (IEEE, 1969), as in examples/embedded/eval_en.jsonl.
SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "Large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through.",
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
)
PEERS: dict[str, Callable[[PeerFiles], Peer]] = {"kokoro": kokoro.load, "piper": piper.load}


def load_peers(names: Sequence[str], files: PeerFiles) -> list[Peer]:
    """The peers, loaded. Raises UserError, with what to install, for one that cannot be."""
    return [PEERS[name](files) for name in names]


def own_systems(pipeline: Pipeline, name: str, options: GenerateOptions) -> list[tuple[Peer, bool]]:
    """This package as `compare` measures it, with whether the sentences are spoken as one text.

    Sentence by sentence, as the peers; the same as a stream; and all sentences as one text, of which several
    are generated at once.
    """

    def speaker(stream: bool) -> Callable[[str], Iterator[np.ndarray]]:
        arguments = {**asdict(options), "stream": stream}
        return lambda text: (speech.wave for speech in pipeline.speak(text, **arguments))

    whole, stream = speaker(False), speaker(True)
    rate = pipeline.sample_rate
    return [
        (Peer(name, whole, rate, {}), False),
        (Peer(f"{name}, one text", whole, rate, {}), True),
        (Peer(f"{name}, stream", stream, rate, {}), False),
    ]


def compare(
    systems: Sequence[tuple[Peer, bool]], sentences: Sequence[str], runs: int, quiet: bool = False
) -> list[dict[str, Any]]:
    """Speak all sentences with all systems: once without timing, then `runs` times, the systems in turn.

    Args:
        systems: the systems, and whether the sentences are joined to one text for it.
        sentences: what to speak.
        runs: timed rounds.
        quiet: show no progress bar.
    Returns:
        a result for each system: of each round the seconds of work and of speech and the median over its
        texts of the seconds to the first samples; the medians of the real-time factor and the first sound.
    """
    from tqdm import tqdm

    results: list[dict[str, Any]] = [
        {"system": peer.name, "versions": peer.versions, "runs": []} for peer, _ in systems
    ]
    total, disable = len(systems) * (runs + 1), quiet or None  # None: shown on a terminal only
    with tqdm(total=total, leave=False, file=sys.stderr, disable=disable) as bar:
        for number in range(runs + 1):
            for (peer, joined), result in zip(systems, results, strict=True):
                texts = [" ".join(sentences)] if joined else sentences
                timing = time_texts(peer, texts)
                if number:
                    result["runs"].append(timing)
                bar.update()
    for result in results:
        for key in ("real_time_factor", "first_sound"):
            result[key] = median(run[key] for run in result["runs"])
        result["seconds"] = median(run["seconds"] for run in result["runs"])
    return results


def time_texts(peer: Peer, texts: Iterable[str]) -> dict[str, float]:
    """Speak texts one after the other, each to its end.

    Returns:
        `elapsed`, the seconds of all work; `seconds` of speech; `real_time_factor`, their quotient;
        `first_sound`, the median of the seconds from a text to its first samples.
    Raises:
        UserError: a text gives no speech.
    """
    elapsed, samples, firsts = 0.0, 0, []
    for text in texts:
        started, first, before = time.perf_counter(), None, samples
        for wave in peer.speak(text):
            samples += len(wave)
            if first is None and len(wave):
                first = time.perf_counter() - started
        elapsed += time.perf_counter() - started
        if first is None or samples == before:
            raise UserError(f"{peer.name} spoke nothing for {text!r}")
        firsts.append(first)
    seconds = samples / peer.sample_rate
    return {
        "elapsed": elapsed,
        "seconds": seconds,
        "real_time_factor": elapsed / seconds,
        "first_sound": median(firsts),
    }


def comparison_table(report: dict) -> str:
    """The machine, and one line for each system with its speed, and that as a multiple of the first one's."""
    machine, results = report["machine"], report["comparison"]
    facts = [machine["processor"], f"{machine['cpus']} CPUs", machine["system"]]
    facts += [f"8-bit products: {machine['int8_products'] or 'none'}"]
    facts += [f"{name}={value}" for name, value in report["threads"].items()]
    lines = [["system", "versions", "real-time factor", "times ours", "first sound, ms", "speech, s"]]
    ours = results[0]["real_time_factor"]
    for result in results:
        factor = result["real_time_factor"]
        lines.append(
            [
                result["system"],
                ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
                f"{factor:.3f}",
                f"{factor / ours:.2f}",
                f"{1e3 * result['first_sound']:.0f}",
                f"{result['seconds']:.1f}",
            ]
        )
    what = f"{len(report['texts'])} sentences, medians of {report['runs']} runs"
    return "\n".join((", ".join(facts), what, "", align_columns(lines, left=2)))
