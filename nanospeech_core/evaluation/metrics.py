"""Measuring utterances one by one, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..voices import recognition
from . import scorers
from .dataset import Row

MEANS = ("similarity", "similarity_voice", "dnsmos", "f0_sd", "energy_sd")
RESAMPLES = 1000  # of the utterances, for the interval of an error rate


@dataclass(frozen=True)
class Measures:
    """What is measured; None is not."""

    recognize: recognition.Recognize | None = None
    embed: Callable[[np.ndarray], np.ndarray | None] | None = None
    dnsmos: Callable[[np.ndarray], float] | None = None
    prosody: Callable[[np.ndarray], tuple[float | None, float | None]] | None = None


@dataclass(frozen=True)
class Spoken:
    """An utterance to be measured."""

    wave: np.ndarray | None  # float32 [samples] at 24 kHz; None: it could not be spoken, see `error`
    elapsed: float | None = None  # seconds that generating it took
    error: str | None = None


def describe(wave: np.ndarray, measures: Measures) -> dict:
    """What is measured of a reference, float32 [samples] at 24 kHz: its embedding (or None) and prosody."""
    wave = recognition.resample(wave, SAMPLE_RATE)
    found: dict = {"embedding": measures.embed(wave) if measures.embed else None}
    if measures.prosody:
        found["f0_sd"], found["energy_sd"] = measures.prosody(wave)
    return found


def measure(spoken: Spoken, row: Row, measures: Measures, references: dict[str, dict]) -> dict:
    """Everything measured of one utterance.

    Args:
        references: by the name of the similarity, what `describe` knows of the recording compared with.
    Returns:
        as far as measured: seconds, elapsed, heard, units, errors, dnsmos, f0_sd, energy_sd, and the
        similarities, None where there is no speech in one of the two; error, where it was not spoken. That
        counts as nothing heard.
    """
    found: dict = {}
    if measures.recognize:
        wanted = scorers.units(row.text, row.language)
        found |= {"heard": "", "units": len(wanted), "errors": len(wanted)}
    if spoken.wave is None:
        return found | {"error": spoken.error}
    found["seconds"] = len(spoken.wave) / SAMPLE_RATE
    if spoken.elapsed is not None:
        found["elapsed"] = spoken.elapsed
    wave = recognition.resample(spoken.wave, SAMPLE_RATE)
    if measures.recognize:
        found["heard"] = measures.recognize(wave, row.language)
        found["errors"] = scorers.count_errors(wanted, scorers.units(found["heard"], row.language))
    if measures.embed:
        own = measures.embed(wave)
        for name, reference in references.items():
            other = reference["embedding"]
            found[name] = None if own is None or other is None else float(own @ other)
    if measures.dnsmos:
        found["dnsmos"] = measures.dnsmos(wave)
    if measures.prosody:
        found["f0_sd"], found["energy_sd"] = measures.prosody(wave)
    return found


def summarize(utterances: Sequence[dict]) -> dict:
    """Of utterances with `id`, `lang` and what `measure` gives.

    Returns:
        count and failed; seconds of speech; wer and cer (%, of all words together; Chinese characters apart),
        each with the 95% interval wer_ci and cer_ci; the means of MEANS over the utterances that have them;
        real_time_factor (elapsed / seconds) without the first utterance, which warms the machine up.
    """
    spoken = [u for u in utterances if "error" not in u]
    result = {
        "count": len(utterances),
        "failed": len(utterances) - len(spoken),
        "seconds": sum(u["seconds"] for u in spoken),
    }
    for name, chinese in (("wer", False), ("cer", True)):
        counted = [u for u in utterances if "units" in u and u["lang"].startswith("zh") == chinese]
        if counted:
            result |= error_rate([u["errors"] for u in counted], [u["units"] for u in counted], name)
    result |= means(spoken)
    timed = [u for u in spoken if u is not utterances[0] and "elapsed" in u]
    if timed:
        result["real_time_factor"] = sum(u["elapsed"] for u in timed) / sum(u["seconds"] for u in timed)
    return result


def means(found: Sequence[dict]) -> dict:
    """Of what `measure` or `describe` found: the mean of each of MEANS over those that have it."""
    values = {name: [one[name] for one in found if one.get(name) is not None] for name in MEANS}
    return {name: float(np.mean(numbers)) for name, numbers in values.items() if numbers}


def error_rate(errors: Sequence[int], units: Sequence[int], name: str) -> dict:
    """The rate of all utterances (%), and its 95% interval by bootstrap over them (Bisani & Ney, 2004)."""
    pairs = np.array([errors, units])
    drawn = np.random.default_rng(0).integers(0, len(errors), (RESAMPLES, len(errors)))
    rates = [100 * float(total[0] / total[1]) for total in (pairs[:, rows].sum(axis=1) for rows in drawn)]
    low, high = np.percentile(rates, [2.5, 97.5])
    total = pairs.sum(axis=1)
    return {name: 100 * float(total[0] / total[1]), f"{name}_ci": [float(low), float(high)]}
